import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A registered payee. */
@Entity({ name: 'counterparties' })
export class CounterpartyEntity {
  @PrimaryColumn('text', { name: 'counterparty_id' }) counterpartyId!: string;
  @Column('text', { name: 'legal_name' }) legalName!: string;
  @Column('char', { length: 4 }) category!: string; // ISO 18245
  @Column('jsonb') accounts!: unknown;
  @Column('text', { name: 'settlement_services', array: true }) settlementServices!: string[];
  @Column('text') rail!: string;
  @Column('text') state!: 'active' | 'disabled';
  @Column('integer') version!: number;
}
