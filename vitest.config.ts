import { defineConfig } from "vitest/config";

/**
 * Three projects: `unit` needs Node, kubectl and promtool; `integration` needs redis-server and real sockets, one file at a time;
 * `gateway` needs nginx, HAProxy and Caddy as well.
 */
export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: { name: "unit", include: ["test/unit/**/*.test.ts", "test/contract/**/*.test.ts"] },
      },
      {
        extends: true,
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts", "test/e2e/**/*.test.ts"],
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: "gateway",
          include: ["test/gateway/**/*.test.ts"],
          maxWorkers: 2,
          // After the others: it looks at the clock.
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
