import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Subject } from "./subject.ts";

/** Where Debian's packages `nginx` and `libnginx-mod-nchan` put them. */
const NGINX = "/usr/sbin/nginx";
const MODULE = "/usr/lib/nginx/modules/ngx_nchan_module.so";

/** nginx with the nchan module and one worker. @returns why it cannot run here */
export function createNchan(directory: string): Subject | string {
  const absent = [NGINX, MODULE].find((file) => !existsSync(file));
  if (absent !== undefined)
    return `not installed: ${absent} is not there (Debian: apt-get install nginx libnginx-mod-nchan)`;
  const home = join(directory, "nchan");
  mkdirSync(home);
  return {
    name: "nchan",
    surface: {
      protocol: "sse",
      readPath: "/events",
      publishPath: "/publish",
      body: "lines",
      greeting: ": hi\n",
    },
    command: (port) => {
      const file = join(home, `${port}.conf`);
      writeFileSync(file, configuration(home, port));
      return { file: NGINX, args: ["-p", home, "-c", file, "-e", "stderr"] };
    },
  };
}

function configuration(home: string, port: number): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${home}/${name};`,
  );
  return `
load_module ${MODULE};
daemon off;
worker_processes 1;
pid ${home}/${port}.pid;
events { worker_connections 65536; }
http {
  access_log off;
  ${temporary.join(" ")}
  server {
    listen 127.0.0.1:${port} backlog=16384;
    location = /publish {
      nchan_publisher;
      nchan_channel_id bench;
      nchan_message_buffer_length 100;
    }
    location = /events {
      nchan_subscriber eventsource;
      nchan_channel_id bench;
      nchan_subscriber_first_message newest;
      nchan_eventsource_ping_interval 0;
    }
  }
}
`;
}
