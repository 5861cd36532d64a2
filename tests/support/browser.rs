//! A headless Chromium, driven by the W3C `WebDriver` protocol over plain HTTP: as much of it as the page's tests need.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

/// One window; closed when dropped.
pub(crate) struct Browser {
    driver: Child,
    /// Kept open: a driver that cannot speak ends.
    _out: BufReader<ChildStdout>,
    port: u16,
    session: String,
}

impl Browser {
    /// `None`, with the reason printed, where no `chromedriver` is installed, unless `FLOWRACE_BROWSER` asks for one.
    pub(crate) fn start() -> Option<Self> {
        let started = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut driver = match started {
            Ok(driver) => driver,
            Err(error) => {
                assert!(
                    std::env::var_os("FLOWRACE_BROWSER").is_none(),
                    "FLOWRACE_BROWSER is set, but chromedriver does not start: {error}"
                );
                let _ = writeln!(
                    std::io::stderr(),
                    "skipped: chromedriver does not start ({error}); install chromium-driver"
                );
                return None;
            }
        };
        let mut out = BufReader::new(driver.stdout.take().expect("it is piped"));
        let port = port(&mut out);
        let mut browser = Self { driver, _out: out, port, session: String::new() };
        let args = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-dev-shm-usage",
            "--window-size=1300,900",
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": args },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let session = browser.call("POST", "/session", &wanted);
        session["sessionId"].as_str().expect("a session").clone_into(&mut browser.session);
        Some(browser)
    }

    /// Opens a page.
    pub(crate) fn open(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    /// Clicks the first element of this selector.
    pub(crate) fn click(&self, selector: &str) {
        let found = self.post("/element", &json!({ "using": "css selector", "value": selector }));
        let id = found.as_object().and_then(|found| found.values().next()).cloned();
        let id = id.and_then(|id| Some(id.as_str()?.to_owned())).expect("an element");
        self.post(&format!("/element/{id}/click"), &json!({}));
    }

    /// Presses a key: a character, or a `WebDriver` code such as `\u{e011}` for Home.
    pub(crate) fn press(&self, key: &str) {
        let actions =
            [json!({ "type": "keyDown", "value": key }), json!({ "type": "keyUp", "value": key })];
        self.post(
            "/actions",
            &json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": actions }] }),
        );
    }

    /// What a script function's body returns.
    pub(crate) fn ask(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// As wide as a telephone, or wider.
    pub(crate) fn width(&self, width: u32) {
        let size =
            json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false });
        self.post(
            "/goog/cdp/execute",
            &json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": size }),
        );
    }

    /// What the browser complained about since the last time: errors of scripts, refusals of the policy.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let log = self.post("/se/log", &json!({ "type": "browser" }));
        let entries = log.as_array().cloned().unwrap_or_default();
        entries.iter().map(ToString::to_string).collect()
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.call("POST", &format!("/session/{}{path}", self.session), body)
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = body.to_string();
        let mut stream =
            TcpStream::connect(("127.0.0.1", self.port)).expect("chromedriver listens");
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
        .expect("chromedriver reads");
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).expect("chromedriver answers");
            if line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().expect("a length");
            }
        }
        let mut answer = vec![0; length];
        reader.read_exact(&mut answer).expect("the whole answer");
        let answer: Value = serde_json::from_slice(&answer).expect("answers are JSON");
        let value = answer["value"].clone();
        assert!(value.get("error").is_none(), "{path} {body}: {value}");
        value
    }
}

/// The port that the driver says it listens on.
fn port(out: &mut impl BufRead) -> u16 {
    let lines = out.lines().map_while(Result::ok);
    let said = lines.filter(|line| line.contains("started successfully")).find_map(|line| {
        let (_, port) = line.rsplit_once("on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    said.expect("chromedriver names its port")
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() && !std::thread::panicking() {
            self.call("DELETE", &format!("/session/{}", self.session), &json!({}));
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
