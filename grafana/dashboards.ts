/** The five dashboards as the files that Grafana reads. */

import { drawBoard, type Board } from "./board.ts";
import { bridge } from "./boards/bridge.ts";
import { cost } from "./boards/cost.ts";
import { fleet } from "./boards/fleet.ts";
import { session } from "./boards/session.ts";
import { tools } from "./boards/tools.ts";

export const BOARDS: readonly Board[] = [fleet, cost, session, tools, bridge];

/** The text of each file, by its name. */
export function dashboardFiles(): Map<string, string> {
  return new Map(BOARDS.map((board) => [`${board.name}.json`, `${JSON.stringify(drawBoard(board), null, 2)}\n`]));
}
