//! One fetch: ordinary blocking code, which is the point.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::{Response, StatusCode, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::transport::{ConnectProxyConnector, Connector, RustlsConnector};
use ureq::{Agent, Body};

use crate::failure::{Cause, Failure};
use crate::outcome::Outcome;
use crate::resolver::GreenResolver;
use crate::save::{BodyFile, Folder, SaveError};
use crate::transport::{Requests, TcpConnector};

/// The stack of a green thread that fetches.
///
/// Measured (the most that was ever resident): http 92 KiB and https 148 KiB in a debug build, 32 and 48 KiB in a
/// release build, of which ureq's own frames are most; a panic with a full backtrace needs 24 KiB on top. sward's
/// default of 64 KiB would do for release builds only, and barely. What is not touched costs no memory.
pub(crate) const STACK: usize = 256 * 1024;

/// The room for a connection's input and output: ureq's default of 128 KiB each, twice over with TLS, would be
/// half a GiB for 1,000 in flight. The head of an answer has to fit into the first.
const INPUT: usize = 32 * 1024;
const OUTPUT: usize = 4 * 1024;

/// The longest URL: its request has to fit into the output, with some headers.
const LONGEST_URL: usize = OUTPUT - 512;

/// What one read takes from a body.
const PIECE: usize = 16 * 1024;

/// What a client is made from.
pub(crate) struct Options {
    pub(crate) timeout: Duration,
    /// Instead of the web's usual authorities.
    pub(crate) roots: Option<Vec<Certificate<'static>>>,
    pub(crate) folder: Option<Folder>,
    /// How many idle connections to keep for the next fetch.
    pub(crate) idle: usize,
    /// Whether to go by the proxies that the environment names.
    pub(crate) proxied: bool,
}

/// Fetches; shared by all the green threads.
///
/// One agent for all of them: it holds the TLS configuration (150 root certificates, parsed once) and the sessions
/// that TLS resumes. It limits only its idle connections, never those in use: with everything in flight at once
/// there are as many connections as fetches.
pub(crate) struct Client {
    agent: Agent,
    requests: Requests,
    timeout: Duration,
    folder: Option<Folder>,
    keeps_idle: bool,
    epoch: Instant,
}

/// How far a fetch has come, in the words of its failure.
const STAGES: [&str; 3] = ["connecting", "waiting for the answer", "receiving the body"];

impl Client {
    pub(crate) fn new(options: Options) -> Self {
        let roots = options.roots.map_or(RootCerts::WebPki, |roots| RootCerts::Specific(Arc::new(roots)));
        let mut config = Agent::config_builder()
            .timeout_global(Some(options.timeout))
            .http_status_as_error(false)
            .user_agent(concat!("sward-fetch/", env!("CARGO_PKG_VERSION")))
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .input_buffer_size(INPUT)
            .output_buffer_size(OUTPUT)
            // A full buffer without a whole head in it is past this, and gets an error that says so.
            .max_response_header_size(INPUT - 1)
            .max_idle_connections(options.idle)
            .max_idle_connections_per_host(options.idle);
        if !options.proxied {
            config = config.proxy(None);
        }
        let config = config.build();
        let requests = Requests::with(&config);
        Client {
            agent: agent(config, requests.clone()),
            requests,
            timeout: options.timeout,
            folder: options.folder,
            keeps_idle: options.idle > 0,
            epoch: Instant::now(),
        }
    }

    /// The time since the start of the run.
    pub(crate) fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    /// Fetches `url`, the `index`th of the run, and waits for all of it.
    pub(crate) fn fetch(&self, index: usize, url: String) -> Outcome {
        let mut outcome = Outcome::begun(url, self.now());
        outcome.failure = self.exchange(index, &mut outcome).err();
        outcome.ended = self.now();
        outcome
    }

    fn exchange(&self, index: usize, outcome: &mut Outcome) -> Result<(), Failure> {
        check(&outcome.url)?;
        let answer = self.ask(outcome)?;
        outcome.answered = Some(self.now());
        let status = answer.status();
        outcome.status = Some(status.as_u16());
        outcome.saved = self.receive(index, answer, outcome)?;
        if is_good(status) { Ok(()) } else { Err(Failure::new(Cause::Status(status.as_u16()), "")) }
    }

    /// Sends the request, and waits for the head of its answer.
    ///
    /// A server may close an idle connection at the very moment when it is used again. That says nothing of the URL:
    /// it is asked for once more, until a connection is made for it.
    fn ask(&self, outcome: &mut Outcome) -> Result<Response<Body>, Failure> {
        loop {
            let left = self.timeout.saturating_sub(self.now() - outcome.started).max(Duration::from_nanos(1));
            let mut request = self.agent.get(&outcome.url).config().timeout_global(Some(left)).build();
            if !self.keeps_idle {
                // Spares ureq the look at whether it could be kept.
                request = request.header("connection", "close");
            }
            let answer = request.call();
            let request = self.requests.take();
            outcome.connected = request.asked_at.map(|at| at.duration_since(self.epoch));
            let stage = if outcome.connected.is_some() { STAGES[1] } else { STAGES[0] };
            match answer.map_err(|e| Failure::from_ureq(e, stage, self.timeout)) {
                Err(failure) if failure.cause == Cause::Broken && request.went_by_idle() => {}
                answer => return answer,
            }
        }
    }

    /// Reads the body to its end, counts it, and saves it if it is to be saved.
    fn receive(
        &self,
        index: usize,
        answer: Response<Body>,
        outcome: &mut Outcome,
    ) -> Result<Option<PathBuf>, Failure> {
        let unread = |e: io::Error| Failure::from_ureq(ureq::Error::from(e), STAGES[2], self.timeout);
        let unsaved = |SaveError(e)| Failure::new(Cause::NotSaved, e);

        let folder = self.folder.as_ref().filter(|_| is_good(answer.status()));
        let mut file = folder.map(|folder| folder.file_for(index, &outcome.url));
        let mut body = answer.into_body().into_reader();
        let mut buffer = vec![0; PIECE];
        loop {
            let amount = body.read(&mut buffer).map_err(unread)?;
            if amount == 0 {
                break;
            }
            outcome.bytes += amount as u64;
            if let Some(file) = &mut file {
                file.write(&buffer[..amount]).map_err(unsaved)?;
            }
        }
        file.map(BodyFile::finish).transpose().map_err(unsaved)
    }
}

/// ureq's own chain of connectors, with sward's TCP in the middle of it.
fn agent(config: Config, requests: Requests) -> Agent {
    let connector =
        ().chain(ConnectProxyConnector::default())
            .chain(TcpConnector(requests.clone()))
            .chain(RustlsConnector::default())
            .chain(requests);
    Agent::with_parts(config, connector, GreenResolver)
}

fn is_good(status: StatusCode) -> bool {
    status.as_u16() < 400
}

/// ureq takes a port that is no port for the default one, and does not say of every bad URL what is bad about it.
fn check(url: &str) -> Result<(), Failure> {
    let bad = |why: &str| Err(Failure::new(Cause::BadUrl, why));
    if url.len() > LONGEST_URL {
        return bad(&too_long());
    }
    let uri: Uri = match url.parse() {
        Ok(uri) => uri,
        Err(_) if url.split_once("://").is_some_and(|(_, rest)| rest.is_empty() || rest.starts_with('/')) => {
            return bad("it names no host");
        }
        Err(e) => return bad(&format!("{e}")),
    };
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return bad("it does not start with http:// or https://");
    }
    check_host_and_port(&uri).or_else(bad)
}

/// As for a URL that was asked for, for one that a redirect leads to: ureq has parsed it by then.
pub(crate) fn check_redirected(uri: &Uri) -> Result<(), ureq::Error> {
    let checked = if uri.to_string().len() > LONGEST_URL {
        Err(too_long())
    } else {
        check_host_and_port(uri).map_err(str::to_owned)
    };
    checked.map_err(|why| ureq::Error::BadUri(format!("of a redirect, {why}")))
}

fn too_long() -> String {
    format!("it is longer than {LONGEST_URL} bytes")
}

pub(crate) fn check_host_and_port(uri: &Uri) -> Result<(), &'static str> {
    match uri.authority() {
        Some(to) if to.host().is_empty() => Err("it names no host"),
        Some(to) if to.port_u16().is_none() && !to.as_str().ends_with(to.host()) => {
            Err("its port is no port")
        }
        Some(_) => Ok(()),
        None => Err("it names no host"),
    }
}
