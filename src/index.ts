// The names of the first tutorial. Everything else is in the rooms: `ctid/token`, `ctid/credential`, `ctid/qr` and so on.
export { CtidError, type ErrorCode, isCtidError, systemClock, systemRandom } from './base/index.ts'
export { asProvenKey } from './credential/index.ts'
export { generateSigner } from './crypto/index.ts'
export { type Deployment, ENTRANCE_POLICY, openDeployment } from './deployment/index.ts'
export { syntheticPeople } from './identity/index.ts'
export { makeCode, makePaperCode, toSvg, toTerminal } from './qr/index.ts'
export { type Verdict, type VerifierPolicy, verifyCode } from './verifier/index.ts'
