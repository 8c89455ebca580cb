/** A CSI node plugin for the tests, for volumes of LINSTOR's driver name: runs as a privileged DaemonSet pod. */
import { appendFileSync } from 'node:fs'
import { CSI_DRIVER } from '#protocol/names.ts'
import { type GrpcMethods, openGrpcServer } from './grpc.ts'
import { type NodeHost, podHost } from './host.ts'
import {
  EMPTY,
  readPublishRequest,
  readRegistrationStatus,
  readUnpublishRequest,
  writeNodeInfo,
  writePluginInfo,
  writeReady,
  writeRegistrationInfo,
} from './messages.ts'
import { type Note, publish, unpublish } from './volume.ts'

const KUBELET = '/var/lib/kubelet'
const SOCKET = `${KUBELET}/plugins/${CSI_DRIVER}/csi.sock`
const REGISTRATION = `${KUBELET}/plugins_registry/${CSI_DRIVER}-reg.sock`
/** On the node, where `lab exec` finds it when the API server does not answer. */
const STEPS_FILE = '/run/hawser-test/csi.jsonl'

export function nodeMethods(node: string, host: NodeHost, note: Note): GrpcMethods {
  const noted = async (volume: string, act: () => Promise<void>) => {
    try {
      await act()
    } catch (error) {
      note('failed', volume, String(error))
      throw error
    }
    return EMPTY
  }
  return {
    '/csi.v1.Identity/GetPluginInfo': () => writePluginInfo(CSI_DRIVER, 'test'),
    '/csi.v1.Identity/GetPluginCapabilities': () => EMPTY,
    '/csi.v1.Identity/Probe': () => writeReady(),
    '/csi.v1.Node/NodeGetInfo': () => writeNodeInfo(node),
    '/csi.v1.Node/NodeGetCapabilities': () => EMPTY,
    '/csi.v1.Node/NodePublishVolume': (message, signal) => {
      const request = readPublishRequest(message)
      return noted(request.volumeId, () => publish(host, request, note, signal))
    },
    '/csi.v1.Node/NodeUnpublishVolume': (message, signal) => {
      const request = readUnpublishRequest(message)
      return noted(request.volumeId, () => unpublish(host, request, note, signal))
    },
  }
}

export function registrationMethods(onStatus: (registered: boolean, error: string) => void): GrpcMethods {
  return {
    '/pluginregistration.Registration/GetInfo': () => writeRegistrationInfo(CSI_DRIVER, SOCKET),
    '/pluginregistration.Registration/NotifyRegistrationStatus': message => {
      const { registered, error } = readRegistrationStatus(message)
      onStatus(registered, error)
      return EMPTY
    },
  }
}

function writeLine(line: object): void {
  const text = `${JSON.stringify(line)}\n`
  process.stdout.write(text)
  appendFileSync(STEPS_FILE, text)
}

async function main(): Promise<void> {
  const node = process.env['NODE_NAME'] ?? ''
  const stop = new AbortController()
  process.once('SIGTERM', () => stop.abort())
  const note: Note = (step, volume, error) =>
    writeLine({ step, volume, node, ms: Date.now(), ...(error ? { error } : {}) })
  await using _csi = await openGrpcServer(SOCKET, nodeMethods(node, podHost, note), stop.signal)
  const onStatus = (registered: boolean, error: string) =>
    writeLine({ registered, error, node, ms: Date.now() })
  await using _registration = await openGrpcServer(REGISTRATION, registrationMethods(onStatus), stop.signal)
  await new Promise(resolve => stop.signal.addEventListener('abort', resolve))
}

if (import.meta.main) await main()
