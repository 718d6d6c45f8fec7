"""Servers that nobody here wrote, as targets: each in clear text or with TLS, and what its own log counted."""

import os
import pathlib
import re
import uuid

import harness

# A line of a server's log that is a request with status 200.
LINE = "request 200"

NODE = """
const fs = require('fs');
const [port, cert, key, http2, limit] = process.argv.slice(2);
const options = cert ? {cert: fs.readFileSync(cert), key: fs.readFileSync(key)} : {};
const answer = (request, response) => {
  response.on('finish', () => fs.writeSync(1, `request ${response.statusCode}\\n`));
  response.end('hello\\n');
};
const library = http2 ? require('http2') : require(cert ? 'https' : 'http');
const server = http2 && cert ? library.createSecureServer(options, answer) : library.createServer(options, answer);
if (limit > 0) server.maxRequestsPerSocket = Number(limit);
server.listen(port, '127.0.0.1');
"""

PYTHON = """
import http.server, ssl, sys
port, protocol, cert, key = sys.argv[1:]

class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = protocol

    def log_request(self, code="-", size="-"):
        sys.stderr.write(f"request {int(code)}\\n")

http.server.ThreadingHTTPServer.request_queue_size = 64
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
if cert:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


def listens(port):
    """Whether somebody listens on the port; asked of the kernel, so that no log has a connection for it."""
    with open("/proc/net/tcp") as sockets:
        return any(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A" for line in list(sockets)[1:])


class WebServer(harness.Process):
    """Answers /hello.txt. `tls` is (certificate, key) or None; `limit` requests a connection, 0 for no limit."""

    def __init__(self, folder, tls=None, limit=0, http2=False):
        self.folder = pathlib.Path(folder) / f"{type(self).__name__.lower()}-{uuid.uuid4().hex[:6]}"
        os.chmod(folder, 0o755)  # some give up being root before they read
        (self.folder / "www").mkdir(parents=True)
        (self.folder / "www" / "hello.txt").write_text("hello\n")
        self.port, self.tls, self.limit, self.http2 = harness.free_port(), tls, limit, http2
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/hello.txt"
        super().__init__(self.command(), self.folder / "www", "../server")
        harness.wait_for(self.args[0], lambda: listens(self.port) or self.child.poll() is not None)
        if self.child.poll() is not None:
            raise AssertionError(f"{self.args[0]} ended:\n{self.output()}")

    def file(self, name, text):
        (self.folder / name).write_text(text)
        return self.folder / name

    def requests(self):
        """Requests that it has logged so far."""
        logs = [path for path in (self.folder / "access.log", self.log_path) if path.exists()]
        return sum(len(re.findall(rf"^{LINE}$", path.read_text(errors="replace"), re.M)) for path in logs)

    def counted(self, at_least):
        """Ends it, once it has logged what it shall, and counts. Some write their log when a request is over or only at their end."""
        try:
            harness.wait_for("log", lambda: self.requests() >= at_least, 2)
        except AssertionError:
            pass  # the count says it
        self.end()
        return self.requests()


class Nginx(WebServer):
    def command(self):
        listen = (" ssl" if self.tls else "") + (" http2" if self.http2 else "")
        secure = f"ssl_certificate {self.tls[0]}; ssl_certificate_key {self.tls[1]};" if self.tls else ""
        temporary = " ".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        return ["/usr/sbin/nginx", "-e", self.folder / "errors", "-c", self.file("nginx.conf", f"""
daemon off; pid {self.folder}/pid; worker_processes 1; events {{ worker_connections 1024; }}
http {{ log_format short 'request $status'; access_log {self.folder}/access.log short; {temporary}
  keepalive_requests {self.limit or 1000000000};
  server {{ listen 127.0.0.1:{self.port}{listen}; {secure} location / {{ return 200 "hello\\n"; }} }} }}
""")]


class Apache(WebServer):
    def command(self):
        modules = ["mpm_event", "authz_core"] + (["ssl"] if self.tls else []) + (["http2"] if self.http2 else [])
        secure = f"SSLEngine on\nSSLCertificateFile {self.tls[0]}\nSSLCertificateKeyFile {self.tls[1]}" if self.tls else ""
        return ["/usr/sbin/apache2", "-DFOREGROUND", "-d", self.folder, "-f", self.file("apache.conf", "\n".join([
            f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in modules] + [f"""
ServerName localhost
Listen 127.0.0.1:{self.port}
PidFile {self.folder}/pid
DefaultRuntimeDir {self.folder}
Mutex pthread
User www-data
Group www-data
DocumentRoot {self.folder}/www
ErrorLog {self.folder}/errors
LogFormat "request %>s" short
CustomLog {self.folder}/access.log short
StartServers 1
MaxKeepAliveRequests {self.limit}
{"Protocols " + ("h2" if self.tls else "h2c") + " http/1.1" if self.http2 else ""}
{secure}
"""]))]


class Lighttpd(WebServer):
    def command(self):
        secure = f'ssl.engine = "enable"\nssl.pemfile = "{self.tls[0]}"\nssl.privkey = "{self.tls[1]}"' if self.tls else ""
        return ["/usr/sbin/lighttpd", "-D", "-f", self.file("lighttpd.conf", f"""
server.modules = ("mod_accesslog"{', "mod_openssl"' if self.tls else ''})
server.bind = "127.0.0.1"
server.port = {self.port}
server.document-root = "{self.folder}/www"
server.errorlog = "{self.folder}/errors"
server.max-keep-alive-requests = {self.limit or 60000}
accesslog.filename = "{self.folder}/access.log"
accesslog.format = "request %s"
{secure}
""")]


class Haproxy(WebServer):
    """Can end connections only after each request: any limit counts as one.

    It has one thread: of two that write to its log at the same moment it lets one go without, rather than wait."""

    def command(self):
        secure = ""
        if self.tls:
            pem = self.file("both.pem", pathlib.Path(self.tls[0]).read_text() + pathlib.Path(self.tls[1]).read_text())
            secure = f"ssl crt {pem} alpn h2,http/1.1" if self.http2 else f"ssl crt {pem}"
        elif self.http2:
            secure = "proto h2"
        return ["/usr/sbin/haproxy", "-db", "-f", self.file("haproxy.cfg", f"""
global
  nbthread 1
  log stdout format raw local0
defaults
  mode http
  log global
  option dontlognull
  timeout client 30s
  {"option httpclose" if self.limit else ""}
frontend all
  bind 127.0.0.1:{self.port} {secure} {self.extra()}
  log-format "request %ST"
  http-request return status 200 content-type text/plain string hello
""")]

    def extra(self):
        return ""


class HaproxyWithClientCertificates(Haproxy):
    def extra(self):
        return f"verify required ca-file {self.tls[0]}"


class H2o(WebServer):
    def command(self):
        secure = f"\n  ssl:\n    certificate-file: {self.tls[0]}\n    key-file: {self.tls[1]}" if self.tls else ""
        user = "user: root\n" if os.geteuid() == 0 else ""
        return ["/usr/bin/h2o", "-m", "worker", "-c", self.file("h2o.conf", f"""{user}num-threads: 1
listen:
  host: 127.0.0.1
  port: {self.port}{secure}
error-log: {self.folder}/errors
access-log:
  path: {self.folder}/access.log
  format: "request %s"
hosts:
  default:
    paths:
      /:
        file.dir: {self.folder}/www
""")]


class Node(WebServer):
    def command(self):
        cert, key = self.tls or ("", "")
        return ["node", self.file("server.js", NODE), self.port, cert, key, "h2" if self.http2 else "", self.limit]


class Python(WebServer):
    protocol = "HTTP/1.1"

    def command(self):
        return ["python3", self.file("server.py", PYTHON), self.port, self.protocol, *(self.tls or ("", ""))]


class OldPython(Python):
    protocol = "HTTP/1.0"
