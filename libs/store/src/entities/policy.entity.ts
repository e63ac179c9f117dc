import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One version of a policy set; one version of each is in force. */
@Entity({ name: 'policies' })
export class PolicyEntity {
  @PrimaryColumn('text', { name: 'policy_id' }) policyId!: string;
  @PrimaryColumn('integer') version!: number;
  @Column('text', { name: 'set_hash' }) setHash!: string;
  @Column('text', { name: 'policy_text' }) policyText!: string;
  @Column('text', { name: 'schema_text' }) schemaText!: string;
  @Column('boolean') active!: boolean;
}
