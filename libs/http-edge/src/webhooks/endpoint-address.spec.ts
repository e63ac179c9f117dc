import { describe, expect, it } from '@jest/globals';
import { checkWebhookUrl, isPublicAddress } from './endpoint-address.js';
import { postMessage } from './post-message.js';

describe('a webhook', () => {
  it.each([
    ...['127.0.0.1', '10.1.2.3', '172.31.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1', '0.0.0.0', '224.0.0.1'],
    ...['255.255.255.255', '198.18.0.1', '::', '::1', 'fe80::1', 'fc00::1', 'fd00:ec2::254', 'ff02::1', '2001:db8::1'],
    ...['::ffff:127.0.0.1', '::ffff:7f00:1', '64:ff9b::7f00:1', '2002:7f00:1::', '2001:0:7f00::1', 'localhost', ''],
  ])('is never sent to %s', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each(['1.1.1.1', '172.32.0.1', '2606:4700:4700::1111', '2a00:1450::1'])('may be sent to %s', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it.each([
    ['http://hooks.example/a', 'must be https'],
    ['ftp://hooks.example/a', 'must be https'],
    ['file:///etc/passwd', 'must be https'],
    ['https://a:b@hooks.example/', 'must hold no credentials'],
    ['https://127.0.0.1/', 'must be a public address'],
    ['https://2130706433/', 'must be a public address'],
    ['https://0x7f.1/', 'must be a public address'],
    ['https://[::1]/', 'must be a public address'],
    ['https://[::ffff:169.254.169.254]/', 'must be a public address'],
    ['hooks.example', 'no URL'],
    [`https://hooks.example/${'a'.repeat(2_048)}`, 'no URL'],
  ])('may not be declared at %s: %s', (url, wrong) => {
    expect(checkWebhookUrl(url, false)).toBe(wrong);
  });

  it('whose name resolves to this machine is not sent', async () => {
    const sent = postMessage('https://localhost:1/', {}, Buffer.from('{}'), { insecure: false });
    await expect(sent).rejects.toThrow('localhost has no public address');
  });
});
