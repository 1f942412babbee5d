//! Any text either parses to a schedule that prints and parses back to itself, or is refused with
//! the number of one of its lines.
#![no_main]

use libfuzzer_sys::fuzz_target;
use purlin_sim::Schedule;

fuzz_target!(|text: &str| {
    match text.parse::<Schedule>() {
        Ok(schedule) => {
            let printed = schedule.to_string();
            assert_eq!(printed.parse(), Ok(schedule), "{printed}");
        }
        Err(error) => assert!((1..=text.lines().count()).contains(&error.line), "{error}"),
    }
});
