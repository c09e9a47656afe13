//! The command line, and the list of URLs that it names.

use std::env;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use ureq::{Proxy, ProxyProtocol};

use crate::client::check_host_and_port;

/// Fetches many URLs at once: blocking code, a green thread a URL.
#[derive(Parser)]
#[command(name = "fetch", version, max_term_width = 100, after_help = EXIT_CODES, after_long_help = NOTES)]
pub(crate) struct Args {
    /// What to fetch: http:// or https://. With none at all, 1,000 pages of a server inside this process.
    #[arg(value_name = "URL")]
    pub(crate) urls: Vec<String>,

    /// Read URLs from FILE, one a line; `-` is stdin. Blank lines and lines that start with # are skipped.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// How many may be in flight at once [default: all].
    #[arg(short = 'c', long = "concurrency", value_name = "N")]
    pub(crate) concurrency: Option<NonZeroUsize>,

    /// Give a fetch up after SECS seconds, its redirects and body included.
    #[arg(long, value_name = "SECS", default_value = "30", value_parser = seconds)]
    pub(crate) timeout: Duration,

    /// Trust the certificates in FILE (PEM), instead of the web's usual authorities.
    #[arg(long, value_name = "FILE")]
    pub(crate) cacert: Option<PathBuf>,

    /// Draw every fetch as a bar over time, as SVG.
    #[arg(long, value_name = "FILE")]
    pub(crate) timeline: Option<PathBuf>,

    /// Save every good body in DIR, as NUMBER-HOST_PATH. Older files of the same name are replaced.
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,

    /// Print a JSON object a fetch and one with the summary, each on a line of its own, instead of the tables.
    #[arg(long)]
    pub(crate) json: bool,
}

const EXIT_CODES: &str = "\
Exit code: 0 if every fetch was good, 1 if one failed, 2 if the command line or the proxy was wrong, the
report could not be written, or too few files may be open (ulimit -n) to start at all.";

const NOTES: &str = "\
A fetch has failed when no whole answer came, or when its status is 400 or more (redirects are followed,
up to 10). Each failure is one line on stderr, and the other fetches go on.

The proxy named by all_proxy, https_proxy or http_proxy (the first of these that is set, for all URLs) is
used, but for the hosts in no_proxy and the server inside. SOCKS is not spoken: such a proxy is refused.

Exit code: 0 if every fetch was good, 1 if one failed, 2 if the command line or the proxy was wrong, the
report could not be written, or too few files may be open (ulimit -n) to start at all.";

/// Thirty years: as good as for ever, and no clock overflows when it is added.
const LONGEST: Duration = Duration::from_secs(1_000_000_000);

fn seconds(text: &str) -> Result<Duration, String> {
    let duration = text.parse().ok().and_then(|secs| Duration::try_from_secs_f64(secs).ok());
    let in_range = duration.filter(|d| !d.is_zero() && *d <= LONGEST);
    in_range.ok_or_else(|| format!("not a number of seconds above 0 and up to {}", LONGEST.as_secs()))
}

impl Args {
    /// Every URL asked for, in order: the command line's, then the file's. `None` if nothing was asked for.
    pub(crate) fn all_urls(&self) -> Result<Option<Vec<String>>, String> {
        let mut urls = self.urls.clone();
        if let Some(path) = &self.file {
            let listed = read_list(path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
            urls.extend(listed);
            if urls.is_empty() {
                return Err(format!("no URL in {}", path.display()));
            }
        }
        Ok((!urls.is_empty()).then_some(urls))
    }
}

/// Where ureq looks for a proxy, in this order.
const PROXY_VARIABLES: [&str; 6] =
    ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];

/// Whether the proxy that the environment names can be used. ureq would go around one that cannot.
pub(crate) fn check_proxy() -> Result<(), String> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(|value| (name, value));
    let Some((name, value)) = PROXY_VARIABLES.into_iter().find_map(set) else { return Ok(()) };
    let proxy = value.to_str().and_then(|value| Proxy::new(value).ok());
    let proxy = proxy.filter(|proxy| check_host_and_port(proxy.uri()).is_ok());
    // The value is not shown: there may be a password in it.
    match proxy.map(|proxy| proxy.protocol()) {
        Some(ProxyProtocol::Http | ProxyProtocol::Https) => Ok(()),
        Some(_) => Err(format!("the proxy in {name} speaks SOCKS, which this program does not")),
        None => Err(format!("what is in {name} names no proxy")),
    }
}

fn read_list(path: &Path) -> io::Result<Vec<String>> {
    if path.as_os_str() == "-" {
        urls_in(io::stdin().lock())
    } else {
        urls_in(BufReader::new(File::open(path)?))
    }
}

fn urls_in(lines: impl BufRead) -> io::Result<Vec<String>> {
    let mut urls = Vec::new();
    for (number, line) in (1..).zip(lines.lines()) {
        let line = line.map_err(|e| io::Error::new(e.kind(), format!("line {number}: {e}")))?;
        // Editors on Windows begin a file with a byte order mark, which is no white space.
        let line = line.trim_start_matches('\u{feff}').trim();
        if !line.is_empty() && !line.starts_with('#') {
            urls.push(line.to_owned());
        }
    }
    Ok(urls)
}
