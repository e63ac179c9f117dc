import type { Mandate } from '@spendgate/core';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { decimalColumn } from './decimal-column.js';

/** The version of a mandate in force, placed in its tree. The signed claims are the truth. */
@Entity({ name: 'mandates' })
export class MandateEntity {
  @PrimaryColumn('uuid', { name: 'mandate_id' }) mandateId!: string;
  @Column('integer') version!: number;
  @Column('uuid', { name: 'parent_id', nullable: true }) parentId!: string | null;
  @Column('uuid', { name: 'root_id' }) rootId!: string;
  @Column('uuid', { array: true }) path!: string[]; // root first, self last
  @Column('smallint') depth!: number;
  @Column('text', { name: 'agent_id', nullable: true }) agentId!: string | null;
  @Column('text', { name: 'principal_id' }) principalId!: string;
  @Column('text') currency!: string;
  @Column('numeric', { name: 'total_limit', precision: 38, scale: 18, transformer: decimalColumn })
  totalLimit!: Mandate['totalLimit']; // major units
  @Column('text') claims!: string; // RFC 8785 form
  @Column('text') token!: string;
  @Column('text', { name: 'mandate_hash' }) mandateHash!: string;
  @Column('text', { name: 'grantor_kind' }) grantorKind!: string; // principal | agent: who signed this version
  @Column('text', { name: 'grantor_id' }) grantorId!: string;
  @Column('timestamptz', { name: 'valid_until' }) validUntil!: Date;
  @Column('timestamptz', { name: 'revoked_at', nullable: true }) revokedAt!: Date | null;
}
