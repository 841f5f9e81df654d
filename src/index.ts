/** The public interface: all that a plug-in author or an embedding program may import. */
export { type App, type AppOptions, openApp } from './app.ts'
export { ConnectorError, ItemError, UserError } from './base/errors.ts'
export { type Connector, defineConnector } from './connectors/connector.ts'
export type { AccountDocument, IdentityDocument, ListDocument, TaskResultDocument } from './model/documents.ts'
export { defineExecutor, type Executor, type TaskContext } from './task/executor.ts'
export type { RunEvent, RunRequest } from './task/run-request.ts'
