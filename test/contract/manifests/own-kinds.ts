/**
 * The kinds that no package has types for, with the fields that these manifests may use: a list of our own, held against the
 * schemas of Kong Gateway 3.9 and 3.14, its ingress controller 3.5, APISIX 3.18 and prometheus-engine 0.17. Their controllers
 * take a field that they do not know without complaint, or leave the free-form `config` of a plugin unread.
 */
import type { IObjectMeta } from "@kubernetes-models/apimachinery/apis/meta/v1/ObjectMeta";

interface LabelSelector {
  matchLabels: Record<string, string>;
}

interface Kong<Kind extends string> {
  apiVersion: "configuration.konghq.com/v1";
  kind: Kind;
  metadata: IObjectMeta;
}

interface Plugin<Name extends string, Config> extends Kong<"KongPlugin"> {
  plugin: Name;
  config: Config;
}

/** The plugins that streams can stand: none that reads bodies, or has a response phase. */
export type KongPlugin =
  | Plugin<
      "cors",
      {
        origins: string[];
        methods?: ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS")[];
        headers?: string[];
        exposed_headers?: string[];
        credentials?: boolean;
        max_age?: number;
        preflight_continue?: boolean;
      }
    >
  | Plugin<
      "rate-limiting",
      {
        second?: number;
        minute?: number;
        hour?: number;
        limit_by?: "consumer" | "credential" | "ip" | "service" | "header" | "path";
        header_name?: string;
        policy?: "local" | "redis";
        redis?: {
          host: string;
          port?: number;
          username?: string;
          password?: string;
          database?: number;
          timeout?: number;
          ssl?: boolean;
          ssl_verify?: boolean;
          server_name?: string;
        };
        fault_tolerant?: boolean;
        hide_client_headers?: boolean;
      }
    >
  | Plugin<
      "jwt",
      {
        claims_to_verify: ("exp" | "nbf")[];
        run_on_preflight: boolean;
        uri_param_names: string[];
        header_names?: string[];
        cookie_names?: string[];
        key_claim_name?: string;
        maximum_expiration?: number;
      }
    >;

export interface KongConsumer extends Kong<"KongConsumer"> {
  username: string;
  custom_id?: string;
  credentials?: string[];
}

export interface KongUpstreamPolicy {
  apiVersion: "configuration.konghq.com/v1beta1";
  kind: "KongUpstreamPolicy";
  metadata: IObjectMeta;
  spec: { algorithm: "round-robin" | "least-connections" };
}

interface Apisix<Kind extends string, Spec> {
  apiVersion: "apisix.apache.org/v2";
  kind: Kind;
  metadata: IObjectMeta;
  spec: Spec;
}

type ApisixPlugin = { enable: boolean } & (
  | { name: "proxy-buffering"; config: { disable_proxy_buffering: boolean } }
  | { name: "proxy-control"; config: { request_buffering: boolean } }
  | { name: "redirect"; config: { http_to_https: boolean } }
);

export type ApisixRoute = Apisix<
  "ApisixRoute",
  {
    ingressClassName: string;
    http: {
      name: string;
      match: { hosts: string[]; paths: string[]; methods?: string[] };
      backends: { serviceName: string; servicePort: number }[];
      websocket?: boolean;
      timeout?: { connect: string; send: string; read: string };
      plugins?: ApisixPlugin[];
    }[];
  }
>;

export type ApisixUpstream = Apisix<
  "ApisixUpstream",
  {
    ingressClassName: string;
    retries: number;
    loadbalancer?: { type: "roundrobin" | "least_conn" | "ewma" };
  }
>;

export type ApisixTls = Apisix<
  "ApisixTls",
  { ingressClassName: string; hosts: string[]; secret: { name: string; namespace: string } }
>;

interface Gmp<Kind extends string, Spec> {
  apiVersion: "monitoring.googleapis.com/v1";
  kind: Kind;
  metadata: IObjectMeta;
  spec: Spec;
}

export type PodMonitoring = Gmp<
  "PodMonitoring",
  {
    selector: LabelSelector;
    endpoints: { port: string | number; path?: string; interval: string; timeout?: string }[];
  }
>;

interface Rule {
  expr: string;
  labels?: Record<string, string>;
}

export type Rules = Gmp<
  "Rules",
  {
    groups: {
      name: string;
      interval?: string;
      rules: (
        | (Rule & { record: string })
        | (Rule & { alert: string; for?: string; annotations?: Record<string, string> })
      )[];
    }[];
  }
>;

export interface AutoscalingMetric {
  apiVersion: "autoscaling.gke.io/v1beta1";
  kind: "AutoscalingMetric";
  metadata: IObjectMeta;
  spec: {
    metrics: {
      pod: {
        selector: LabelSelector;
        containers: {
          endpoint: { port: number; path: string };
          metrics: { gauge: { name: string; prometheusMetricName: string } }[];
        }[];
      };
    }[];
  };
}
