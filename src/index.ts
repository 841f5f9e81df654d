/** The public interface: all that a plug-in author or an embedding program may import. */
export { type App, type AppOptions, openApp } from './app.ts'
export { ConnectorError, ItemError, UserError } from './base/errors.ts'
export { type Connector, defineConnector } from './connectors/connector.ts'
export { type CustomExecutor, defineExecutor, type ExecutorContext } from './executor-api.ts'
export type { AccountDocument, IdentityDocument, ListDocument, TaskResultDocument } from './model/documents.ts'
export type { PlanChange } from './model/plan-change.ts'
export type { StoreChange } from './model/store-change.ts'
export type { RunEvent, RunRequest } from './task/run-request.ts'
