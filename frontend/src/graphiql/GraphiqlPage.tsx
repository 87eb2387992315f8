import { explorerPlugin } from "@graphiql/plugin-explorer";
import type { Fetcher } from "@graphiql/toolkit";
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import type { GraphQLSchema } from "graphql";
import { useEffect, useMemo, useState } from "react";

import { AuthorizationBar } from "./AuthorizationBar";
import type { AuthorizationBox } from "./authorizationBox";
import { EventCount } from "./EventCount";
import type { EventLog } from "./eventLog";
import { offerFor, type SampleTab } from "./sampleTabs";

// Made once: a new plugin object on a later render would close the panel that is open.
const PLUGINS = [explorerPlugin(), HISTORY_PLUGIN];

interface GraphiqlPageProps {
  readonly box: AuthorizationBox;
  readonly log: EventLog;
  readonly fetcher: Fetcher;
  /** As far as it is known when the page begins. */
  readonly firstSchema: GraphQLSchema | null;
  readonly samples: SampleTab[];
  readonly onLogOut: () => void;
}

export function GraphiqlPage({ box, log, fetcher, firstSchema, samples, onLogOut }: GraphiqlPageProps) {
  const [schema, setSchema] = useState(firstSchema);
  const { apiName, tabs, hasLogin } = useMemo(() => offerFor(schema, samples), [schema, samples]);
  useEffect(() => {
    document.title = `GraphiQL · ${apiName}`;
  }, [apiName]);
  return (
    <div className="graphiql-page">
      <AuthorizationBar box={box} hasLogin={hasLogin} onLogOut={onLogOut} />
      <main>
        <GraphiQL
          fetcher={fetcher}
          plugins={PLUGINS}
          defaultTabs={tabs}
          defaultEditorToolsVisibility="variables"
          // The box above is the place for a token; the headers editor never writes one to the disk.
          shouldPersistHeaders={false}
          onSchemaChange={setSchema}
        >
          <GraphiQL.Logo>{apiName}</GraphiQL.Logo>
          <GraphiQL.Footer>
            <EventCount log={log} />
          </GraphiQL.Footer>
        </GraphiQL>
      </main>
    </div>
  );
}
