//! Named numbers: what a measurement gives.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The figures of one measurement, in the order in which they are shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Figures(Vec<(String, f64)>);

impl Figures {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A measurement of one figure.
    pub(crate) fn one(name: &str, value: f64) -> Self {
        Self(vec![(name.to_owned(), value)])
    }

    pub(crate) fn add(&mut self, name: &str, value: f64) {
        self.0.push((name.to_owned(), value));
    }

    /// Wall and CPU time of a round.
    pub(crate) fn add_times(&mut self, round: &str, (wall, cpu): (f64, f64)) {
        self.add(&format!("{round} ms"), wall);
        self.add(&format!("{round} CPU ms"), cpu);
    }

    pub(crate) fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| *value)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

/// Of sorted values, the one that `percent` of all do not exceed; 0 of none.
pub(crate) fn percentile(sorted: &[u64], percent: f64) -> f64 {
    let last = sorted.len().saturating_sub(1) as f64;
    sorted.get((last * percent / 100.0).round() as usize).map_or(0.0, |&value| value as f64)
}

/// The middle one of several values, which are put in order for it.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values {
        [] => f64::NAN,
        values if values.len() % 2 == 1 => values[middle],
        values => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// A number as a table shows it: three figures that matter, thousands apart.
pub(crate) struct Short(pub(crate) f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = match self.0.abs() {
            size if size >= 100.0 => 0,
            size if size >= 10.0 => 1,
            _ => 2,
        };
        let number = format!("{:.digits$}", self.0);
        let (whole, fraction) = number.split_at(number.find('.').unwrap_or(number.len()));
        f.pad(&(grouped(whole) + fraction))
    }
}

/// Digits with a comma before each three of the last.
pub(crate) fn grouped(digits: &str) -> String {
    let mut shown = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        assert_eq!(median(&mut [4.0, 1.0, 3.0, 2.0]), 2.5);
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
    }

    #[test]
    fn the_hundredth_percentile_is_the_last() {
        assert_eq!(percentile(&[1, 2, 3], 100.0), 3.0);
        assert_eq!(percentile(&[1, 2, 3], 50.0), 2.0);
        assert_eq!(percentile(&[], 50.0), 0.0);
    }

    #[test]
    fn large_numbers_are_grouped_and_small_ones_keep_their_fraction() {
        assert_eq!(Short(1_234_567.8).to_string(), "1,234,568");
        assert_eq!(Short(123.4).to_string(), "123");
        assert_eq!(Short(12.34).to_string(), "12.3");
        assert_eq!(Short(1.234).to_string(), "1.23");
    }
}
