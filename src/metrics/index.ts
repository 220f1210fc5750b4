/** What a server counts, as text for Prometheus and others that read OpenMetrics. */
export { openMetrics, openMetricsType } from './open-metrics.ts';
export type { MetricFamily, MetricSample } from './own-metrics.ts';
