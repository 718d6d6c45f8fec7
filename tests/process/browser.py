"""A headless Chromium, driven over the WebDriver protocol (W3C) by chromedriver, both Debian packages."""

import base64
import json
import pathlib
import shutil
import urllib.error
import urllib.request

import harness

# What the protocol calls an element's key.
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-dev-shm-usage", "--disable-component-update", "--force-color-profile=srgb", "--hide-scrollbars"]


class Browser(harness.Process):
    """One window. Errors of the protocol are AssertionErrors with its message."""

    def __init__(self, folder, size=(1280, 900), flags=()):
        self.port = harness.free_port()
        super().__init__([shutil.which("chromedriver") or "chromedriver", f"--port={self.port}"], folder, "chromedriver")
        harness.wait_for("chromedriver", lambda: harness.try_get(f"http://127.0.0.1:{self.port}/status"), 30)
        self.session = ""
        profile = pathlib.Path(folder) / f"profile-{self.port}"
        options = {"args": FLAGS + list(flags) + [f"--user-data-dir={profile}", f"--window-size={size[0]},{size[1]}"]}
        made = self.call("POST", "", {"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": options, "acceptInsecureCerts": True, "unhandledPromptBehavior": "ignore"}}})
        self.session = "/" + made["sessionId"]

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/session{self.session}{path}", data=data, method=method,
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(json.load(error)["value"]["message"]) from None

    def end(self, *args, **options):
        if self.session and self.child.poll() is None:
            try:
                self.call("DELETE", "")  # ends Chromium
            except (AssertionError, OSError):
                pass
            self.session = ""
        return super().end(*args, **options)

    def open(self, url):
        self.call("POST", "/url", {"url": url})

    def js(self, script, *args):
        """The value of `script`, the body of a function; its arguments are `arguments`."""
        return self.call("POST", "/execute/sync", {"script": script, "args": list(args)})

    def devtools(self, command, **parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def find(self, css):
        found = harness.wait_for(f"element {css}", lambda: self.call("POST", "/elements", {"using": "css selector", "value": css}))
        return found[0][ELEMENT]

    def click(self, css):
        """As a person does: only what can be seen can be clicked."""
        harness.wait_for(f"click on {css}", lambda: self._tried("click", css, {}))

    def write(self, css, text):
        """Replaces what stands there."""
        harness.wait_for(f"writing into {css}", lambda: self._tried("clear", css, {}))
        self.call("POST", f"/element/{self.find(css)}/value", {"text": text})

    def press(self, keys):
        """Keys for whatever has the focus; the protocol has codes for those that are no characters."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def _tried(self, action, css, body):
        try:
            self.call("POST", f"/element/{self.find(css)}/{action}", body)
            return True
        except AssertionError as error:
            if any(text in str(error) for text in ("stale", "not interactable", "intercepted", "not interactable")):
                return False  # drawn anew meanwhile
            raise

    def text(self, css="body"):
        return self.js("return document.querySelector(arguments[0])?.innerText ?? ''", css)

    def wait_text(self, text, css="body", seconds=20.0):
        try:
            harness.wait_for(f"text {text!r} in {css}", lambda: text in self.text(css), seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; there is:\n{self.text()[:3000]}") from None

    def accept_dialog(self):
        harness.wait_for("dialog", lambda: self._dialog())

    def _dialog(self):
        try:
            self.call("POST", "/alert/accept", {})
            return True
        except AssertionError:
            return False

    def screenshot(self, path, width=None, dark=None):
        """The whole page as PNG; `width` as of a telephone, `dark` as the system's setting."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if dark is not None:
            self.devtools("Emulation.setEmulatedMedia",
                          features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        if width is not None:
            self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=2, mobile=width < 600)
        self.js("return new Promise((done) => requestAnimationFrame(() => setTimeout(done, 300)))")
        shot = self.devtools("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        path.write_bytes(base64.b64decode(shot["data"]))

    def usual_size(self):
        self.devtools("Emulation.clearDeviceMetricsOverride")
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "light"}])

    def complaints(self):
        """Errors of the page's own console since the last call: exceptions, refused scripts and styles."""
        return [entry["message"] for entry in self.call("POST", "/se/log", {"type": "browser"})
                if entry["level"] == "SEVERE" and "favicon" not in entry["message"]]
