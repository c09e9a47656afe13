//! A line on the terminal while the fetches run. Nothing of it shows where stderr is no terminal.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use crate::report::on_one_line;

const TEMPLATE: &str = "{spinner:.cyan} [{bar:32.cyan/dim}] {human_pos}/{human_len} done · {aloft} in flight{failed:.red} · {elapsed}";

pub(crate) struct Progress {
    bar: ProgressBar,
    failed: Arc<AtomicUsize>,
}

impl Progress {
    pub(crate) fn new(total: usize, aloft: Arc<AtomicUsize>) -> Self {
        let failed = Arc::new(AtomicUsize::new(0));
        let style = ProgressStyle::with_template(TEMPLATE).expect("a template that was tested");
        let style = style
            .with_key("aloft", move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
                let _ = write!(out, "{}", aloft.load(Ordering::Relaxed));
            })
            .with_key("failed", {
                let failed = Arc::clone(&failed);
                move |_: &ProgressState, out: &mut dyn std::fmt::Write| match failed.load(Ordering::Relaxed) {
                    0 => {}
                    count => drop(write!(out, " · {count} failed")),
                }
            })
            .progress_chars("━╸─");
        let bar = ProgressBar::new(total as u64).with_style(style);
        bar.enable_steady_tick(Duration::from_millis(100));
        Progress { bar, failed }
    }

    /// One more is done, and well.
    pub(crate) fn done(&self) {
        self.bar.inc(1);
    }

    /// One more is done, and failed: that is a line of its own, and stays.
    pub(crate) fn failed(&self, url: &str, failure: impl Display) {
        self.bar.suspend(|| {
            self.failed.fetch_add(1, Ordering::Relaxed);
            // A closed stderr is no reason to stop fetching.
            let (url, why) = (on_one_line(url), on_one_line(&failure.to_string()));
            let _ = writeln!(io::stderr(), "fetch: {url}: {why}");
        });
        self.bar.inc(1);
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
