//! Why a fetch failed: a cause that groups, and a detail that helps.

use std::fmt;
use std::io;
use std::time::Duration;

use ureq::http::StatusCode;

/// One failed fetch's reason. `Display` is the one line that the user reads, without the URL.
pub(crate) struct Failure {
    pub(crate) cause: Cause,
    pub(crate) detail: String,
}

/// The kinds of failure that a summary counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    BadUrl,
    UnknownHost,
    Refused,
    Unreachable,
    TimedOut,
    BadCertificate,
    Tls,
    Broken,
    BadAnswer,
    Redirects,
    NoFiles,
    Status(u16),
    NotSaved,
    Panicked,
    Other,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cause::BadUrl => "bad URL",
            Cause::UnknownHost => "unknown host",
            Cause::Refused => "connection refused",
            Cause::Unreachable => "unreachable",
            Cause::TimedOut => "timed out",
            Cause::BadCertificate => "bad certificate",
            Cause::Tls => "TLS failed",
            Cause::Broken => "connection broken",
            Cause::BadAnswer => "bad answer",
            Cause::Redirects => "too many redirects",
            Cause::NoFiles => "too many open files",
            Cause::NotSaved => "not saved",
            Cause::Panicked => "panicked",
            Cause::Other => "failed",
            Cause::Status(code) => {
                let reason = StatusCode::from_u16(*code).ok().and_then(|status| status.canonical_reason());
                return match reason {
                    Some(reason) => write!(f, "HTTP {code} {reason}"),
                    None => write!(f, "HTTP {code}"),
                };
            }
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.detail.as_str() {
            "" => self.cause.fmt(f),
            detail => write!(f, "{}: {detail}", self.cause),
        }
    }
}

impl Failure {
    pub(crate) fn new(cause: Cause, detail: impl fmt::Display) -> Self {
        Failure { cause, detail: detail.to_string() }
    }

    /// `stage` says what was going on, and `limit` how long it might take, should it have timed out.
    pub(crate) fn from_ureq(error: ureq::Error, stage: &str, limit: Duration) -> Self {
        use ureq::Error as E;
        match error {
            E::Io(e) => Failure::from_io(&e, stage, limit),
            E::Timeout(_) => Failure::timed_out(stage, limit),
            E::Rustls(e) => Failure::from_rustls(&e),
            E::Tls(e) => Failure::new(Cause::Tls, e),
            E::BadUri(e) => Failure::new(Cause::BadUrl, e),
            E::Http(e) => Failure::new(Cause::BadUrl, e),
            E::HostNotFound => Failure::new(Cause::UnknownHost, "no address of a wanted kind"),
            E::TooManyRedirects => Failure::new(Cause::Redirects, ""),
            E::Protocol(e) => Failure::new(Cause::BadAnswer, e),
            E::LargeResponseHeader(_, limit) => {
                Failure::new(Cause::BadAnswer, format!("its head is longer than {limit} bytes"))
            }
            E::Other(e) => match e.downcast::<Lookup>() {
                Ok(lookup) => Failure::new(Cause::UnknownHost, lookup.0),
                Err(e) => Failure::new(Cause::Other, e),
            },
            e => Failure::new(Cause::Other, e),
        }
    }

    fn from_io(error: &io::Error, stage: &str, limit: Duration) -> Self {
        use io::ErrorKind as K;
        if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return Failure::from_rustls(tls);
        }
        let cause = match error.kind() {
            K::ConnectionRefused => Cause::Refused,
            K::TimedOut | K::WouldBlock => return Failure::timed_out(stage, limit),
            K::HostUnreachable | K::NetworkUnreachable | K::AddrNotAvailable => Cause::Unreachable,
            K::ConnectionReset | K::ConnectionAborted | K::BrokenPipe => Cause::Broken,
            K::UnexpectedEof => {
                return Failure::new(Cause::Broken, format!("the peer closed it while {stage}"));
            }
            _ if is_out_of_files(error) => Cause::NoFiles,
            _ => Cause::Other,
        };
        let detail = if cause == Cause::Refused { String::new() } else { error.to_string() };
        Failure { cause, detail }
    }

    fn from_rustls(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(why) => Failure::new(Cause::BadCertificate, why),
            other => Failure::new(Cause::Tls, other),
        }
    }

    fn timed_out(stage: &str, limit: Duration) -> Self {
        Failure::new(Cause::TimedOut, format!("{} s were over while {stage}", limit.as_secs_f64()))
    }
}

/// EMFILE and ENFILE: std has no kind for them.
pub(crate) fn is_out_of_files(error: &io::Error) -> bool {
    cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24))
}

/// A name that did not resolve, on its way through [`ureq::Error::Other`].
#[derive(Debug)]
pub(crate) struct Lookup(pub(crate) io::Error);

impl fmt::Display for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Lookup {}
