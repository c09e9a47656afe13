//! The fetches as bars over time, in one SVG that needs nothing else: overlap is seen, not computed.
//!
//! ```text
//!  title, totals, legend
//!  ┌ how many are in flight ┐   an area
//!  ├ the fetches, by start  ┤   a bar each: connecting, waiting, receiving
//!  └ time                   ┘   the axis of both
//! ```

use std::fmt::Write;
use std::time::Duration;

use crate::failure::Cause;
use crate::outcome::{Outcome, Summary, in_flight};
use crate::report::{count, headline};

const WIDTH: f64 = 1200.0;
const RIGHT: f64 = 40.0;
/// Left of the plot: room for numbers, or for URLs where there are few bars.
const LEFT: f64 = 72.0;
const LEFT_NAMED: f64 = 330.0;
const AREA_TOP: f64 = 112.0;
const AREA_HEIGHT: f64 = 84.0;
const BARS_TOP: f64 = AREA_TOP + AREA_HEIGHT + 40.0;
const AXIS_HEIGHT: f64 = 54.0;

/// A bar's share of the height: what it likes, and what all of them may have.
const PITCH: f64 = 22.0;
const BARS_HEIGHT: f64 = 880.0;
/// So many bars still have room for their URLs.
const NAMED: usize = 40;
/// A URL's letters that fit beside its bar.
const NAME: usize = 44;
/// So many bars still tell of themselves under the pointer.
const HOVER: usize = 2_000;

/// Thinner strokes than this would blend with the paper, where thousands of bars share few pixels.
const THINNEST: f64 = 0.6;
/// A failure among thousands is still a mark that can be seen.
const FAILED_MARK: f64 = 3.5;

const STYLE: &str = "\
text{font-family:system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif;fill:#1f2933}\
.title{font-size:21px;font-weight:600}.sub{font-size:13px;fill:#616e7c}\
.tick{font-size:12px;fill:#616e7c}.name{font-size:11.5px;fill:#3e4c59}\
.grid{stroke:#e4e7eb;stroke-width:1}.axis{stroke:#9aa5b1;stroke-width:1}\
.hit{fill:transparent}.hit:hover{fill:#1f2933;fill-opacity:.08}";

/// How a fetch ended: its colour.
#[derive(Clone, Copy, PartialEq)]
enum Ending {
    Good,
    /// The server answered, with an error.
    Refused,
    Failed,
}

const ENDINGS: [Ending; 3] = [Ending::Good, Ending::Refused, Ending::Failed];

impl Ending {
    fn of(outcome: &Outcome) -> Self {
        match outcome.failure.as_ref().map(|failure| failure.cause) {
            None => Ending::Good,
            Some(Cause::Status(_)) => Ending::Refused,
            Some(_) => Ending::Failed,
        }
    }

    /// Of waiting, and of receiving. (Connecting is grey for all.)
    fn colours(self) -> [&'static str; 2] {
        match self {
            Ending::Good => ["#8cc0ec", "#1f6fb5"],
            Ending::Refused => ["#f9cf7a", "#de911d"],
            Ending::Failed => ["#ee9a9a", "#c92a2a"],
        }
    }
}

const CONNECTING: &str = "#b8c2cc";
const AREA: &str = "#cfe3f5";
const AREA_LINE: &str = "#5b9bd5";

/// Where things are.
struct Plot {
    left: f64,
    /// Pixels a second.
    scale: f64,
    end: Duration,
    /// Pixels a bar.
    pitch: f64,
    bars: f64,
}

impl Plot {
    fn new(outcomes: &[Outcome]) -> Self {
        let left = if outcomes.len() <= NAMED { LEFT_NAMED } else { LEFT };
        let last = outcomes.iter().map(|o| o.ended).max().unwrap_or_default();
        let end = last.max(Duration::from_micros(1));
        let rows = outcomes.len().max(1) as f64;
        let bars = (rows * PITCH).min(BARS_HEIGHT);
        Plot { left, scale: (WIDTH - RIGHT - left) / end.as_secs_f64(), end, pitch: bars / rows, bars }
    }

    fn x(&self, at: Duration) -> f64 {
        self.left + at.as_secs_f64() * self.scale
    }

    fn row_middle(&self, row: usize) -> f64 {
        BARS_TOP + (row as f64 + 0.5) * self.pitch
    }

    fn bars_bottom(&self) -> f64 {
        BARS_TOP + self.bars
    }

    /// Bars have air between them where there is room for any.
    fn thickness(&self) -> f64 {
        if self.pitch >= 3.0 { self.pitch * 0.72 } else { self.pitch.max(THINNEST) }
    }
}

/// The whole picture.
pub(crate) fn draw(outcomes: &[Outcome], summary: &Summary) -> String {
    let plot = Plot::new(outcomes);
    let rows = by_start(outcomes, &plot);
    let height = plot.bars_bottom() + AXIS_HEIGHT;
    let title = headline(outcomes.len(), summary);

    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" width=\"{WIDTH}\" \
         height=\"{height:.0}\" role=\"img\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    text(&mut svg, "title", 32.0, 42.0, "start", &title);
    text(&mut svg, "sub", 32.0, 66.0, "start", &subtitle(outcomes, summary));
    draw_legend(&mut svg, outcomes);
    draw_grid(&mut svg, &plot);
    draw_area(&mut svg, &plot, outcomes, summary.peak);
    draw_bars(&mut svg, &plot, &rows);
    if rows.len() <= NAMED {
        draw_names(&mut svg, &plot, &rows);
    }
    if rows.len() <= HOVER {
        draw_hover(&mut svg, &plot, &rows);
    }
    svg.push_str("</svg>\n");
    svg
}

/// In order of start. Starts that fall on one pixel count as one, and go by length: their bars then draw a curve
/// instead of noise.
fn by_start<'a>(outcomes: &'a [Outcome], plot: &Plot) -> Vec<&'a Outcome> {
    let mut rows: Vec<_> = outcomes.iter().collect();
    rows.sort_by_key(|o| (plot.x(o.started) as u64, o.ended));
    rows
}

fn subtitle(outcomes: &[Outcome], summary: &Summary) -> String {
    let good = outcomes.len() - summary.failed;
    let mut words = format!(
        "{} in flight at the peak · {} good, {} failed · {} bytes",
        count(summary.peak as u64),
        count(good as u64),
        count(summary.failed as u64),
        count(summary.bytes),
    );
    if outcomes.len() > 1 {
        let speedup = summary.waited.as_secs_f64() / summary.wall.as_secs_f64().max(1e-9);
        let _ = write!(words, " · {speedup:.0} times as fast as one by one");
    }
    if let Some(kib) = summary.memory_kib {
        let _ = write!(words, " · {:.0} MiB of memory", kib as f64 / 1024.0);
    }
    words
}

/// Only of what is in the picture.
fn draw_legend(svg: &mut String, outcomes: &[Outcome]) {
    let mut entries = Vec::new();
    if outcomes.iter().any(|o| o.connected.is_some()) {
        entries.push((CONNECTING, "connecting"));
    }
    for ending in ENDINGS {
        if !outcomes.iter().any(|o| Ending::of(o) == ending) {
            continue;
        }
        let [waiting, receiving] = ending.colours();
        match ending {
            Ending::Good => entries.extend([(waiting, "waiting"), (receiving, "receiving")]),
            Ending::Refused => entries.push((receiving, "HTTP error")),
            Ending::Failed => entries.push((receiving, "failed")),
        }
    }
    let mut x = WIDTH - RIGHT;
    for (colour, label) in entries.into_iter().rev() {
        text(svg, "tick", x, 42.0, "end", label);
        x -= label.len() as f64 * 6.8 + 18.0;
        let _ = writeln!(svg, r#"<rect x="{x:.1}" y="31" width="12" height="12" rx="2.5" fill="{colour}"/>"#);
        x -= 18.0;
    }
}

/// The lines through both plots, and what they stand for under them.
fn draw_grid(svg: &mut String, plot: &Plot) {
    let bottom = plot.bars_bottom();
    let end = plot.end.as_secs_f64();
    let (unit, size) = if end >= 2.0 {
        ("s", 1.0)
    } else if end >= 2e-3 {
        ("ms", 1e3)
    } else {
        ("µs", 1e6)
    };
    let step = nice_step(end * size / 9.0);
    let decimals = usize::from(step < 1.0);
    let ticks = (0..).map(|i| f64::from(i) * step).take_while(|&tick| tick <= end * size);
    for tick in ticks {
        let x = plot.x(Duration::from_secs_f64(tick / size));
        line(svg, "grid", (x, AREA_TOP), (x, bottom));
        text(svg, "tick", x, bottom + 20.0, "middle", &format!("{tick:.decimals$} {unit}"));
    }
    line(svg, "axis", (plot.left, bottom), (WIDTH - RIGHT, bottom));
    text(svg, "tick", WIDTH - RIGHT, bottom + 40.0, "end", "time since the start");
}

/// 1, 2 or 5 times a power of ten.
fn nice_step(at_least: f64) -> f64 {
    let power = 10_f64.powf(at_least.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|n| n * power)
        .find(|&step| step >= at_least)
        .unwrap_or(power * 10.0)
}

/// How many are in flight, by the pixel: the most there were in each.
fn draw_area(svg: &mut String, plot: &Plot, outcomes: &[Outcome], peak: usize) {
    let bottom = AREA_TOP + AREA_HEIGHT;
    text(svg, "tick", plot.left, AREA_TOP - 8.0, "start", "in flight");
    text(svg, "tick", plot.left - 8.0, AREA_TOP + 9.0, "end", &count(peak as u64));
    text(svg, "tick", plot.left - 8.0, bottom, "end", "0");

    let y = |level: usize| bottom - AREA_HEIGHT * level as f64 / peak.max(1) as f64;
    let mut outline = format!("M{:.1} {bottom:.1}", plot.left);
    let mut level = 0;
    for (column, highest, last) in columns(plot, outcomes) {
        let _ = write!(outline, "L{column:.1} {:.1}V{:.1}", y(level), y(highest));
        level = last;
    }
    let _ = write!(outline, "L{:.1} {bottom:.1}", WIDTH - RIGHT);
    let _ = writeln!(svg, r#"<path d="{outline}Z" fill="{AREA}" stroke="{AREA_LINE}" stroke-width="1.2"/>"#);
    line(svg, "axis", (plot.left, bottom), (WIDTH - RIGHT, bottom));
}

/// For each pixel column where the level changes: its place, the highest level in it, and the last.
fn columns(plot: &Plot, outcomes: &[Outcome]) -> Vec<(f64, usize, usize)> {
    let mut columns: Vec<(f64, usize, usize)> = Vec::new();
    for (at, level) in in_flight(outcomes) {
        let x = plot.x(at).floor();
        match columns.last_mut() {
            Some((column, highest, last)) if *column == x => {
                *highest = level.max(*highest);
                *last = level;
            }
            _ => columns.push((x, level, level)),
        }
    }
    columns
}

/// One path a colour, so that 10,000 bars are a few elements and not 30,000.
fn draw_bars(svg: &mut String, plot: &Plot, rows: &[&Outcome]) {
    text(svg, "tick", plot.left, BARS_TOP - 8.0, "start", "fetches, by start");
    let mut connecting = String::new();
    let mut waiting = ENDINGS.map(|_| String::new());
    let mut receiving = ENDINGS.map(|_| String::new());
    for (row, outcome) in rows.iter().enumerate() {
        let y = plot.row_middle(row);
        let ending = Ending::of(outcome);
        let waits = outcome.connected.unwrap_or(outcome.started);
        let receives = outcome.answered.unwrap_or(outcome.ended);
        bar(&mut connecting, plot, y, outcome.started, waits, 0.0);
        bar(&mut waiting[ending as usize], plot, y, waits, receives, 0.0);
        // Of a failure it is the end that must show.
        let mark = if ending == Ending::Good { 0.0 } else { FAILED_MARK };
        bar(&mut receiving[ending as usize], plot, y, receives, outcome.ended, mark);
    }

    svg.push_str("<g fill=\"none\">\n");
    let thin = plot.thickness();
    stroke(svg, &connecting, CONNECTING, thin);
    // The failures come last, on top of all.
    for ending in ENDINGS {
        let thickness = if ending == Ending::Good { thin } else { thin.max(FAILED_MARK) };
        let [wait_colour, receive_colour] = ending.colours();
        stroke(svg, &waiting[ending as usize], wait_colour, thin);
        stroke(svg, &receiving[ending as usize], receive_colour, thickness);
    }
    svg.push_str("</g>\n");
}

/// A stretch of a bar: a horizontal stroke of at least `least` pixels, that ends where it ends.
fn bar(path: &mut String, plot: &Plot, y: f64, from: Duration, to: Duration, least: f64) {
    let end = plot.x(to);
    let length = (end - plot.x(from)).max(least);
    if length > 0.0 {
        let _ = write!(path, "M{:.2} {y:.2}h{length:.2}", end - length);
    }
}

fn stroke(svg: &mut String, path: &str, colour: &str, thickness: f64) {
    if !path.is_empty() {
        let _ = writeln!(svg, r#"<path stroke="{colour}" stroke-width="{thickness:.2}" d="{path}"/>"#);
    }
}

fn draw_names(svg: &mut String, plot: &Plot, rows: &[&Outcome]) {
    for (row, outcome) in rows.iter().enumerate() {
        let name = shortened(&outcome.url);
        text(svg, "name", plot.left - 10.0, plot.row_middle(row) + 4.0, "end", &name);
    }
}

/// Both ends of a URL say most.
fn shortened(url: &str) -> String {
    let letters: Vec<char> = url.chars().collect();
    if letters.len() <= NAME {
        return url.to_owned();
    }
    let half = (NAME - 1) / 2;
    letters[..half].iter().chain(&['…']).chain(&letters[letters.len() - half..]).collect()
}

fn draw_hover(svg: &mut String, plot: &Plot, rows: &[&Outcome]) {
    for (row, outcome) in rows.iter().enumerate() {
        let y = plot.row_middle(row) - plot.pitch / 2.0;
        let width = WIDTH - RIGHT - plot.left;
        let what = match (&outcome.failure, outcome.status) {
            (Some(failure), _) => failure.to_string(),
            (None, status) => format!("{}, {} bytes", status.unwrap_or(0), count(outcome.bytes)),
        };
        let told = format!("{}: {what}, {:.1} ms", outcome.url, outcome.took().as_secs_f64() * 1e3);
        let _ = writeln!(
            svg,
            r#"<rect class="hit" x="{}" y="{y:.2}" width="{width}" height="{:.2}"><title>{}</title></rect>"#,
            plot.left,
            plot.pitch,
            escaped(&told),
        );
    }
}

fn line(svg: &mut String, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
    let _ = writeln!(svg, r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#);
}

fn text(svg: &mut String, class: &str, x: f64, y: f64, anchor: &str, words: &str) {
    let words = escaped(words);
    let _ =
        writeln!(svg, r#"<text class="{class}" x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{words}</text>"#);
}

/// As XML has it; control characters, which it has not at all, become spaces.
fn escaped(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    for c in words.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
