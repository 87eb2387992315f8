import { explorerPlugin } from "@graphiql/plugin-explorer";
import type { Fetcher } from "@graphiql/toolkit";
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";

import { AuthorizationBar } from "./AuthorizationBar";
import type { AuthorizationBox } from "./authorizationBox";
import type { SampleTab } from "./sampleTabs";

// Made once: a new plugin object on a later render would close the panel that is open.
const PLUGINS = [explorerPlugin(), HISTORY_PLUGIN];

interface GraphiqlPageProps {
  readonly box: AuthorizationBox;
  readonly fetcher: Fetcher;
  readonly tabs: SampleTab[];
}

export function GraphiqlPage({ box, fetcher, tabs }: GraphiqlPageProps) {
  return (
    <div className="graphiql-page">
      <AuthorizationBar box={box} />
      <main>
        <GraphiQL
          fetcher={fetcher}
          plugins={PLUGINS}
          defaultTabs={tabs}
          defaultEditorToolsVisibility="variables"
          // The box above is the place for a token; the headers editor never writes one to the disk.
          shouldPersistHeaders={false}
        >
          <GraphiQL.Logo>Payments API</GraphiQL.Logo>
        </GraphiQL>
      </main>
    </div>
  );
}
