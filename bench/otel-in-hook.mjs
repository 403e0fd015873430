// What the hook is compared with: a handler that starts the OpenTelemetry SDK inside the hook and exports one span from it.
import { readFileSync } from "node:fs";

import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";

const payload = JSON.parse(readFileSync(0, "utf8"));
const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ "service.name": "otel-in-hook" }),
  spanProcessors: [new SimpleSpanProcessor(new OTLPTraceExporter({ url: process.argv[2] }))],
});
const span = provider.getTracer("otel-in-hook").startSpan("execute_tool");
span.setAttribute("gen_ai.conversation.id", payload.session_id);
span.end();
void provider.shutdown(); // Ends the process once the span is accepted.
