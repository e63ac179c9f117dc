import type { DeliveryFailure } from '@spendgate/http-edge';
import { createTransport } from 'nodemailer';
import type { MailSettings } from './notice.settings.js';

/** From the connection to the server's last word. */
const TIMEOUT_MS = 10_000;
const OWN_MACHINE = new Set(['127.0.0.1', '[::1]', 'localhost']);

export interface Mail {
  /** Names the message at every attempt; of letters, digits, `-` and `_`. */
  readonly id: string;
  readonly subject: string;
  readonly text: string;
}

/** Sends text mails over SMTP (RFC 5321), encrypted unless the server is on this machine. */
export class MailSender {
  private readonly transport;

  constructor(private readonly settings: MailSettings) {
    const { hostname, protocol } = new URL(settings.smtpUrl);
    this.transport = createTransport({
      url: settings.smtpUrl,
      requireTLS: protocol === 'smtp:' && !OWN_MACHINE.has(hostname),
      ignoreTLS: protocol === 'smtp:' && OWN_MACHINE.has(hostname),
      connectionTimeout: TIMEOUT_MS,
      greetingTimeout: TIMEOUT_MS,
      socketTimeout: TIMEOUT_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
  }

  /** @returns `null`: the server has it */
  async send({ id, subject, text }: Mail): Promise<DeliveryFailure | null> {
    const { from, to } = this.settings;
    const messageId = `<${id}@${from.split('@')[1] ?? 'spendgate'}>`;
    // RFC 3834 §5: nobody's out-of-office note answers it.
    const headers = { 'Auto-Submitted': 'auto-generated' };
    try {
      await this.transport.sendMail({ from, to: [...to], subject, text, messageId, headers });
      return null;
    } catch (error) {
      return { error: reasonOf(error), final: false };
    }
  }
}

/** The kind of failure and the server's code: its text may repeat what we logged in with. */
function reasonOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'mail failed';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'mail failed';
  const answer =
    'responseCode' in error && typeof error.responseCode === 'number' ? `, answered ${error.responseCode}` : '';
  return `${code}${answer}`;
}
