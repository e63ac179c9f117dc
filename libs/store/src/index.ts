export { LOCK_ORDER, type LockLevel, type LockingStatement, lock, locking } from './lock-order.js';
export { createDataSource, migrate } from './migrate.js';
export { type Pool, type PoolOptions, createPool } from './pool.js';
export { type Queryable, type Statement, type Transaction, execute, query, statement } from './statement.js';
export { guarded, inTransaction, readClockMs } from './transaction.js';
