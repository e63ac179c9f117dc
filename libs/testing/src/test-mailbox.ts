import { type Server, type Socket, createServer } from 'node:net';
import { until } from './until.js';

/** A mail as its server has it, dots unstuffed (RFC 5321 §4.5.2). */
export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly content: string;
}

/** A mail server that speaks as much of RFC 5321 as a client needs, on a free port of this machine. */
export class TestMailbox {
  received: ReceivedMail[] = [];
  /** `user:password` it wants (RFC 4954 PLAIN). */
  login = '';
  /** Its answer to `MAIL`, when it takes none. */
  refusal: string | null = null;

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async open(): Promise<TestMailbox> {
    const server = createServer((socket) => new Conversation(socket, mailbox).begin()).listen(0, '127.0.0.1');
    await until('the mail server listens', () => server.listening);
    const address = server.address();
    const mailbox = new TestMailbox(server, typeof address === 'object' ? (address?.port ?? 0) : 0);
    return mailbox;
  }

  close(): void {
    this.server.close();
  }
}

class Conversation {
  private text = '';
  private from = '';
  private to: string[] = [];
  private inData = false;

  constructor(
    private readonly socket: Socket,
    private readonly mailbox: TestMailbox,
  ) {}

  begin(): void {
    this.socket.on('error', () => this.socket.destroy());
    this.socket.on('data', (chunk) => {
      this.text += chunk.toString('latin1');
      this.read();
    });
    this.say('220 test');
  }

  private read(): void {
    for (;;) {
      const mark = this.inData ? '\r\n.\r\n' : '\r\n';
      const at = this.text.indexOf(mark);
      if (at < 0) return;
      const part = this.text.slice(0, at);
      this.text = this.text.slice(at + mark.length);
      if (this.inData) this.take(part);
      else this.say(this.answer(part));
    }
  }

  private take(content: string): void {
    const { from, to } = this;
    this.mailbox.received.push({ from, to, content: content.replace(/^\.\./gm, '.') });
    this.inData = false;
    this.say('250 taken');
  }

  private answer(line: string): string {
    const verb = line.slice(0, 4).toUpperCase();
    if (verb === 'EHLO') return this.mailbox.login === '' ? '250 test' : '250-test\r\n250 AUTH PLAIN';
    if (verb === 'AUTH') return this.isLogin(line) ? '235 welcome' : `535 no such login ${line}`;
    if (verb === 'MAIL') {
      this.from = addressIn(line);
      this.to = [];
      return this.mailbox.refusal ?? '250 go on';
    }
    if (verb === 'RCPT') this.to.push(addressIn(line));
    if (verb === 'DATA') this.inData = true;
    return verb === 'DATA' ? '354 go on' : verb === 'QUIT' ? '221 bye' : '250 go on';
  }

  private isLogin(line: string): boolean {
    const [, user, password] = Buffer.from(line.split(' ')[2] ?? '', 'base64')
      .toString()
      .split('\0');
    return `${user}:${password}` === this.mailbox.login;
  }

  private say(line: string): void {
    this.socket.write(`${line}\r\n`);
  }
}

function addressIn(line: string): string {
  return /<([^>]*)>/.exec(line)?.[1] ?? '';
}
