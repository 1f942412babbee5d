//! Names the machine that a figure was measured on.

/// Processor, number of usable cores, architecture and operating system: what a reader needs to
/// place a figure, and nothing that identifies the machine.
#[must_use]
pub fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(1, core::num::NonZero::get);
    let cpu = processor().unwrap_or_else(|| "unknown processor".to_owned());
    let plural = if cores == 1 { "" } else { "s" };
    format!(
        "{cpu}, {cores} core{plural}, {} {}",
        std::env::consts::ARCH,
        std::env::consts::OS
    )
}

/// The processor's own name, where the system tells (`/proc/cpuinfo`, Linux).
fn processor() -> Option<String> {
    let info = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    model_name(&info).map(str::to_owned)
}

fn model_name(info: &str) -> Option<&str> {
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':')
        .map(|(_, name)| name.trim())
        .filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn model_name_is_the_first_of_all_cores() {
        let info =
            "processor\t: 0\nmodel name\t: Some CPU @ 2.00GHz\nflags\t: a b\nmodel name\t: Other\n";
        assert_eq!(model_name(info), Some("Some CPU @ 2.00GHz"));
        assert_eq!(model_name("processor\t: 0\nmodel name\t:\n"), None);
        assert_eq!(model_name("BogoMIPS : 50.00"), None);
    }
}
