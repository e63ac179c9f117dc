import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A party's public key. Retired: signs nothing new. Removed: nothing it signed is accepted. */
@Entity({ name: 'party_keys' })
export class PartyKeyEntity {
  @PrimaryColumn('text') kid!: string; // RFC 7638 thumbprint
  @Column('text') kind!: string;
  @Column('text', { name: 'party_id' }) partyId!: string; // an id, not a relation: no entity imports another
  @Column('text') alg!: string;
  @Column('jsonb') jwk!: unknown;
  @Column('timestamptz', { name: 'active_from' }) activeFrom!: Date;
  @Column('timestamptz', { name: 'retired_at', nullable: true }) retiredAt!: Date | null;
  @Column('timestamptz', { name: 'removed_at', nullable: true }) removedAt!: Date | null;
  @Column('text', { name: 'successor_kid', nullable: true }) successorKid!: string | null;
}
