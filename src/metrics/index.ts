/** What a server counts, as text for Prometheus and others that read OpenMetrics. */
export { type MetricFamily, openMetrics, openMetricsType } from './open-metrics.ts';
