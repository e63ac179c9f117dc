import { StartError, setting } from '@spendgate/platform';

/** Whom to tell when a flow stopped, an incident waits too long or the log is late. Absent: nobody. */
export const NOTICE_SETTINGS = {
  SPENDGATE_OPS_WEBHOOK_URL: setting.url({
    secret: true, // such URLs often carry a token
    about: "where people's notices are posted, signed like every webhook; absent: nowhere",
  }),
  SPENDGATE_OPS_MAIL_TO: setting.text({
    about: 'mail addresses with commas between them that get the notices; absent: none',
  }),
  SPENDGATE_OPS_MAIL_FROM: setting.text({
    about: 'mail address the notices come from; needed with SPENDGATE_OPS_MAIL_TO',
  }),
  SPENDGATE_SMTP_URL: setting.url({
    secret: true,
    about: 'smtps://USER:PASSWORD@HOST:465, or smtp:// with STARTTLS; plain text on this machine only',
  }),
} as const;

export interface MailSettings {
  readonly smtpUrl: string;
  readonly from: string;
  readonly to: readonly string[];
}

/** One address, RFC 5321 mailbox without quoting: nothing in it can begin another header or another address. */
const ADDRESS = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}$/;

/**
 * The mail settings together.
 *
 * @returns `undefined`: nobody gets mail
 * @throws {StartError} they are not complete, or not in form; the server's URL is not repeated
 */
export function readMailSettings(settings: Readonly<Record<string, unknown>>): MailSettings | undefined {
  const [smtpUrl, from, to] = ['SPENDGATE_SMTP_URL', 'SPENDGATE_OPS_MAIL_FROM', 'SPENDGATE_OPS_MAIL_TO'].map(
    (name) => settings[name],
  );
  if (smtpUrl === undefined && from === undefined && to === undefined) return undefined;
  if (typeof smtpUrl !== 'string' || typeof from !== 'string' || typeof to !== 'string') {
    throw new StartError('SPENDGATE_SMTP_URL, SPENDGATE_OPS_MAIL_FROM and SPENDGATE_OPS_MAIL_TO are set together');
  }
  if (!/^smtps?:$/.test(new URL(smtpUrl).protocol)) throw new StartError('SPENDGATE_SMTP_URL must be smtps: or smtp:');
  const recipients = to.split(',').map((each) => each.trim());
  const wrong = [from, ...recipients].find((each) => !ADDRESS.test(each));
  if (wrong !== undefined) throw new StartError(`${JSON.stringify(wrong)} is no mail address`);
  return { smtpUrl, from, to: recipients };
}
