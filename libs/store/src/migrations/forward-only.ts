import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A migration is SQL we can read. There is no way back: money tables are never dropped by a program, and a release's
 * schema also serves the release before it (expand, contract one release later).
 */
export abstract class ForwardOnly implements MigrationInterface {
  /** All statements, run in one transaction. */
  protected abstract readonly sql: string;

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(this.sql);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations are forward only: restore a backup instead'));
  }
}
