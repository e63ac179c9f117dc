import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Anyone who holds keys here: principals, agents, settlement services, attesters, people, rails. */
@Entity({ name: 'parties' })
export class PartyEntity {
  @PrimaryColumn('text') kind!: string;
  @PrimaryColumn('text', { name: 'party_id' }) partyId!: string;
  @Column('text') name!: string;
  @Column('text') state!: 'active' | 'disabled';
  @Column('jsonb') body!: unknown; // what its kind needs beside: the roles of a person, …
  @Column('integer') version!: number;
}
