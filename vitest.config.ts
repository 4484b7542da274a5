import { defineConfig } from "vitest/config";

/** Two projects: `unit` needs nothing but Node; `integration` needs redis-server and real sockets, one file at a time. */
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
    ],
  },
});
