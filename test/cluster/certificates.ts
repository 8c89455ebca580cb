/** A throw-away certificate authority for one test cluster, made with openssl. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { mustRun } from './program.ts'

export interface Authority {
  readonly dir: string
  readonly caFile: string
  readonly caKeyFile: string
  /** Makes NAME.crt and NAME.key, good for server and client use. */
  issue(wanted: CertificateWanted): Promise<{ readonly crt: string; readonly key: string }>
}

export interface CertificateWanted {
  readonly name: string
  readonly commonName: string
  readonly organization?: string
  /** As openssl writes them: `DNS:localhost`, `IP:127.0.0.1`. */
  readonly altNames?: readonly string[]
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
const SECOND = 1000

/** Empties the folder first: certificates of an earlier authority are of no use. */
export async function openAuthority(dir: string, signal: AbortSignal): Promise<Authority> {
  await rm(dir, { recursive: true, force: true })
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const caFile = join(dir, 'ca.crt')
  const caKeyFile = join(dir, 'ca.key')
  const sign = async (config: string, args: readonly string[]) => {
    const file = join(dir, `${crypto.randomUUID()}.cnf`)
    await writeFile(file, config)
    const base = ['openssl', 'req', '-x509', '-new', '-config', file, '-days', '3650', ...KEY]
    await mustRun([...base, ...args], { signal, deadlineMs: 30 * SECOND })
    await rm(file)
  }
  await sign(requestConfig({ name: 'ca', commonName: 'hawser-test-ca' }, CA_EXTENSIONS), [
    '-keyout',
    caKeyFile,
    '-out',
    caFile,
  ])
  return {
    dir,
    caFile,
    caKeyFile,
    async issue(wanted) {
      const crt = join(dir, `${wanted.name}.crt`)
      const key = join(dir, `${wanted.name}.key`)
      const extensions = ['basicConstraints=critical,CA:FALSE', 'extendedKeyUsage=serverAuth,clientAuth']
      if (wanted.altNames) extensions.push(`subjectAltName=${wanted.altNames.join(',')}`)
      await sign(requestConfig(wanted, extensions), [
        '-CA',
        caFile,
        '-CAkey',
        caKeyFile,
        '-keyout',
        key,
        '-out',
        crt,
      ])
      return { crt, key }
    },
  }
}

/** The key pair that signs service-account tokens. */
export async function makeTokenKeys(
  dir: string,
  signal: AbortSignal,
): Promise<{ readonly pub: string; readonly key: string }> {
  const keys = { pub: join(dir, 'sa.pub'), key: join(dir, 'sa.key') }
  await mustRun(['openssl', 'genrsa', '-out', keys.key, '2048'], { signal, deadlineMs: 60 * SECOND })
  await mustRun(['openssl', 'rsa', '-in', keys.key, '-pubout', '-out', keys.pub], {
    signal,
    deadlineMs: 30 * SECOND,
  })
  return keys
}

export interface KubeconfigUser {
  readonly crt: string
  readonly key: string
}

/** A kubeconfig with everything inside it, so that it works wherever it is copied to. */
export async function kubeconfigText(server: string, caFile: string, user: KubeconfigUser): Promise<string> {
  const [ca, crt, key] = await Promise.all([caFile, user.crt, user.key].map(file => readFile(file, 'base64')))
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': ca } }],
    users: [{ name: 'user', user: { 'client-certificate-data': crt, 'client-key-data': key } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'user' } }],
    'current-context': 'test',
  })
}

const CA_EXTENSIONS = [
  'basicConstraints=critical,CA:TRUE',
  'keyUsage=critical,keyCertSign,cRLSign,digitalSignature',
]

/** A file of our own: the one that openssl ships turns every `-x509` certificate into an authority. */
function requestConfig(wanted: CertificateWanted, extensions: readonly string[]): string {
  const subject = wanted.organization === undefined ? [] : [`O=${wanted.organization}`]
  return [
    '[req]',
    'distinguished_name=dn',
    'x509_extensions=ext',
    'prompt=no',
    '[dn]',
    ...subject,
    `CN=${wanted.commonName}`,
    '[ext]',
    ...extensions,
    '',
  ].join('\n')
}
