import { type Environment, type SettingValues, readSettings } from '@spendgate/platform';
import type { MESSAGING_SETTINGS } from '@spendgate/messaging';
import { WITNESS_SETTINGS } from '@spendgate/witness';
import type { PROCESS_SETTINGS } from './process.settings.js';
import { ROLE_NAMES, type Role, settingsOf } from './roles.js';

/** What every process reads; the roles' own settings are there too, under their names. */
export type ProcessSettings = SettingValues &
  SettingValues<typeof PROCESS_SETTINGS> &
  SettingValues<typeof MESSAGING_SETTINGS>;

/** @throws {StartError} one line per setting that is unknown or out of range */
export function readProcessSettings(roles: readonly Role[], environment: Environment = process.env): ProcessSettings {
  // as: settingsOf joins the process's and the transport's tables with the roles', so their values are there
  const known = { ...settingsOf(ROLE_NAMES), ...WITNESS_SETTINGS };
  return readSettings(settingsOf(roles), environment, known) as ProcessSettings;
}
