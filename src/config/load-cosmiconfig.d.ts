/** cosmiconfig's search by itself, which has no published types: see load.ts for why not the whole. */
declare module 'cosmiconfig/dist/ExplorerSync.js' {
  import type { CosmiconfigResult, OptionsSync } from 'cosmiconfig'

  export class ExplorerSync {
    constructor(options: Required<Omit<OptionsSync, 'packageProp' | 'stopDir'>> & { readonly moduleName: string })
    search(from: string): CosmiconfigResult
  }
}
