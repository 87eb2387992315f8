import type {} from "monaco-editor"; // declares window.MonacoEnvironment
import EditorWorker from "monaco-editor/esm/vs/editor/editor.worker.js?worker";
import JsonWorker from "monaco-editor/esm/vs/language/json/json.worker.js?worker";
import GraphQLWorker from "monaco-graphql/esm/graphql.worker.js?worker";

/**
 * Gives Monaco its workers, as files of this build.
 *
 * `graphiql/setup-workers/vite` says the same, but from within node_modules, where Vite's development server cannot
 * bundle the `?worker` imports: it ends before the first page (github.com/graphql/graphiql/pull/4473).
 */
window.MonacoEnvironment = {
  getWorker(_id, label) {
    switch (label) {
      case "json":
        return new JsonWorker();
      case "graphql":
        return new GraphQLWorker();
      default:
        return new EditorWorker();
    }
  },
};
