/** An MCP tool is `mcp__<server>__<tool>`, in several agents' hooks; Claude Code's plugins have `plugin_<plugin>_<server>`. */
export function toolName(name: string): { tool: string; mcpServer?: string } {
  const match = /^mcp__(.+?)__(.+)$/.exec(name);
  const [, server, tool] = match ?? [];
  return server === undefined || tool === undefined ? { tool: name } : { tool, mcpServer: server };
}
