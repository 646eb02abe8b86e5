//! `warmline load`: many callers in one program, and what they met as a table or as JSON.

use std::io;
use std::io::IsTerminal;
use std::io::Write;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use clap::Args;
use clap::ValueEnum;
use serde_json::Value;
use serde_json::json;

use crate::cli::Format;
use crate::cli::address;
use crate::cli::port_range;
use crate::cli::table::table;
use crate::cli::trouble::Trouble;
use crate::load;
use crate::load::LoadError;
use crate::load::Plan;
use crate::load::Report;
use crate::load::plan;
use crate::load::report::Spread;

/// The flags of `load`.
#[derive(Debug, Args)]
pub(super) struct LoadArgs {
    /// The server's SIP address
    #[arg(default_value = "127.0.0.1:5060", value_name = "ADDR:PORT", value_parser = address::<5_060>)]
    target: SocketAddr,
    /// The number that the callers dial
    #[arg(long, default_value = "1000")]
    number: String,
    /// Calls in all
    #[arg(long, default_value = "100", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    calls: u64,
    /// New calls a second
    #[arg(long, default_value = "10", value_name = "PER_SECOND", value_parser = rate)]
    rate: f64,
    /// The most callers at a time
    #[arg(long, default_value = "5000", value_name = "N")]
    at_once: usize,
    /// How long a call lasts after its answer
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = time)]
    talk: Duration,
    /// Who hangs up then
    #[arg(long, value_enum, default_value_t)]
    hang_up: HangUp,
    /// What each caller keys after the answer, with pauses: "2s 1 500ms 4711#"
    #[arg(long, default_value = "", value_name = "SCRIPT", hide_default_value = true)]
    keys: String,
    /// Set calls up and end them, without audio
    #[arg(long)]
    no_audio: bool,
    /// How long an agent's phone rings here; a call that comes in is one to an agent
    #[arg(long, default_value = "0s", value_name = "TIME", value_parser = time)]
    pick_up_after: Duration,
    /// The callers' own SIP address; agents of the center can have it as their contact
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    from: SocketAddr,
    /// UDP ports of the callers' audio
    #[arg(long, value_name = "LOW-HIGH", default_value = "40000-59999", value_parser = port_range)]
    rtp_ports: RangeInclusive<u16>,
    /// No more calls after so long, and those that are up are ended
    #[arg(long, default_value = "10m", value_name = "TIME", value_parser = time)]
    at_most: Duration,
    /// Call a server on another machine too
    #[arg(long)]
    anywhere: bool,
    /// As a table, or for programs
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum HangUp {
    #[default]
    Caller,
    Agent,
}

/// Places the calls; the progress goes to stderr when that is a terminal.
pub(super) fn run(args: LoadArgs) -> Result<(), Trouble> {
    let format = args.format;
    let plan = plan(args)?;
    let (calls, target) = (plan.calls, plan.target);
    let watched = io::stderr().is_terminal();
    let done = load::run(plan, |report, callers| {
        if watched {
            eprint!("\r\x1b[K{}", progress(report, callers, calls));
            let _ = io::stderr().flush();
        }
        true
    });
    if watched {
        eprint!("\r\x1b[K");
    }
    let report = done.map_err(explain)?;
    match format {
        Format::Text => super::show(as_text(&report)),
        Format::Json => say!("{}", as_json(&report)),
    }
    answered(&report, target)
}

/// Whether any call was; where none was, whether somebody is there at all.
fn answered(report: &Report, target: SocketAddr) -> Result<(), Trouble> {
    match report.counts.answered {
        0 if !report.server_heard => Err(Trouble::new(format!("nobody answers at {target}"))
            .hint("start the server with `warmline serve`, or name the address that its SIP is bound to")),
        0 => Err(Trouble::new("no call was answered").hint("has the server this number?")),
        _ => Ok(()),
    }
}

fn plan(args: LoadArgs) -> Result<Plan, Trouble> {
    if !args.target.ip().is_loopback() && !args.anywhere {
        let error = format!("{} is another machine", args.target);
        return Err(
            Trouble::wrong_use(error).hint("--anywhere calls it all the same: only with its owner's word")
        );
    }
    if !args.target.ip().is_loopback() && args.from.ip().is_loopback() {
        let error = format!("{} cannot answer {}", args.target, args.from);
        return Err(
            Trouble::wrong_use(error).hint("name an address of this machine that it can reach with --from")
        );
    }
    Ok(Plan {
        target: args.target,
        number: args.number,
        calls: args.calls,
        rate: args.rate,
        at_once: args.at_once,
        talk: args.talk,
        hang_up: match args.hang_up {
            HangUp::Caller => load::HangUp::Caller,
            HangUp::Agent => load::HangUp::Agent,
        },
        keys: plan::keys(&args.keys).map_err(Trouble::wrong_use)?,
        audio: !args.no_audio,
        pick_up_after: args.pick_up_after,
        from: args.from,
        rtp_ports: args.rtp_ports,
        at_most: args.at_most,
    })
}

fn explain(error: LoadError) -> Trouble {
    let trouble = Trouble::new(error.to_string());
    match error {
        LoadError::Bind { .. } => trouble.hint("name another address with --from"),
        LoadError::Ports(_) => trouble.hint("name other ports with --rtp-ports"),
        LoadError::System(_) => trouble,
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse::<f64>().map_err(|_| format!("{text:?} is no number"))?;
    if (0.001..=100_000.0).contains(&rate) { Ok(rate) } else { Err("from 0.001 to 100000".to_owned()) }
}

fn time(text: &str) -> Result<Duration, String> {
    plan::pause(text).ok_or_else(|| "a number and ms, s, m or h, like 500ms or 2m".to_owned())
}

/// One line: how far it is.
fn progress(report: &Report, callers: usize, calls: u64) -> String {
    let counts = &report.counts;
    let refused: u64 = counts.refused.values().sum();
    let done = (counts.placed * 20 / calls.max(1)).min(20) as usize;
    format!(
        "[{:20}] {} of {calls} calls, {callers} up, {} answered, {refused} refused, set-up p99 {}",
        "#".repeat(done),
        counts.placed,
        counts.answered,
        shown(counts.set_up.at(0.99)),
    )
}

/// The spreads of times that there are, each with its name in JSON and its words.
fn spreads(report: &Report) -> Vec<(&'static str, &'static str, &Spread)> {
    let (counts, heard) = (&report.counts, &report.heard);
    let all = [
        ("set_up_us", "set-up, INVITE to 200", &counts.set_up),
        ("first_audio_us", "first audio after the 200", &heard.first_audio),
        ("off_pace_us", "packets off their pace", &heard.off_pace),
        ("delay_us", "one way through the server", &heard.delay),
        ("freed_to_next_us", "agent's BYE to next INVITE", &counts.freed_to_next),
    ];
    all.into_iter().filter(|(_, _, spread)| spread.count() > 0).collect()
}

const SHARES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];

fn as_text(report: &Report) -> String {
    let counts = &report.counts;
    let mut lines = vec![
        ("took", format!("{:.1} s", report.took.as_secs_f64())),
        ("calls placed", counts.placed.to_string()),
        ("calls answered", format!("{} ({:.2} %)", counts.answered, report.answered_share() * 100.0)),
    ];
    // What nobody answered was not refused either: its status is our own.
    let refused = counts.refused.iter().filter(|_| report.server_heard);
    let refused: Vec<String> = refused.map(|(status, count)| format!("{count} with {status}")).collect();
    let mut some = |name, count: u64| {
        if count > 0 {
            lines.push((name, count.to_string()));
        }
    };
    some("calls put off", counts.put_off);
    some("lines ended by the server", counts.ended_by_server);
    some("calls to agents", counts.rang);
    some("SIP messages sent again", report.repeated);
    some("packets sent", report.packets_sent);
    some("packets that we sent late", report.send_late);
    if !refused.is_empty() {
        lines.push(("calls refused", refused.join(", ")));
    }
    if let Some(mos) = report.mos() {
        lines.push(("packets heard", report.heard.packets.to_string()));
        lines.push(("packets lost", format!("{} ({:.3} %)", report.heard.lost, report.loss() * 100.0)));
        lines.push(("MOS, estimated", format!("{mos:.2}")));
    }
    let mut text: String = lines.iter().map(|(name, value)| format!("{name:<28} {value}\n")).collect();
    let rows: Vec<Vec<String>> = spreads(report)
        .into_iter()
        .map(|(_, words, spread)| {
            let mut row = vec![words.to_owned(), spread.count().to_string()];
            row.extend(SHARES.map(|(_, share)| shown(spread.at(share))));
            row.push(shown(spread.max()));
            row
        })
        .collect();
    if !rows.is_empty() {
        text += "\n";
        text += &table(&["time", "count", "p50", "p99", "p99.9", "max"], &rows);
    }
    text
}

/// A time in the unit that keeps it short.
fn shown(time: Duration) -> String {
    match time.as_micros() {
        micros @ 0..1_000 => format!("{micros} µs"),
        micros @ 1_000..1_000_000 => format!("{:.2} ms", micros as f64 / 1_000.0),
        micros => format!("{:.2} s", micros as f64 / 1_000_000.0),
    }
}

fn as_json(report: &Report) -> Value {
    let (counts, heard) = (&report.counts, &report.heard);
    let refused: serde_json::Map<String, Value> =
        counts.refused.iter().map(|(status, count)| (status.to_string(), json!(count))).collect();
    let mut all = json!({
        "took_s": report.took.as_secs_f64(),
        "placed": counts.placed,
        "answered": counts.answered,
        "refused": refused,
        "put_off": counts.put_off,
        "ended_by_server": counts.ended_by_server,
        "rang_agents": counts.rang,
        "sip_repeated": report.repeated,
        "server_heard": report.server_heard,
        "packets_sent": report.packets_sent,
        "packets_sent_late": report.send_late,
        "packets_heard": heard.packets,
        "packets_lost": heard.lost,
        "mos": report.mos(),
    });
    for (name, _, spread) in spreads(report) {
        let mut times = json!({ "count": spread.count(), "max": spread.max().as_micros() as u64 });
        for (label, share) in SHARES {
            times[label] = json!(spread.at(share).as_micros() as u64);
        }
        all[name] = times;
    }
    all
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Alone {
        #[command(flatten)]
        load: LoadArgs,
    }

    fn planned(arguments: &[&str]) -> Result<Plan, String> {
        let parsed =
            Alone::try_parse_from(["load"].iter().chain(arguments)).map_err(|error| error.to_string())?;
        plan(parsed.load).map_err(|trouble| trouble.to_string())
    }

    #[test]
    fn no_arguments_are_the_defaults() {
        assert_eq!(planned(&[]), Ok(Plan::default()));
    }

    #[test]
    fn another_machine_is_called_only_when_that_is_said() {
        assert!(planned(&["192.0.2.1:5060"]).unwrap_err().contains("--anywhere"));
        assert!(planned(&["192.0.2.1:5060", "--anywhere"]).unwrap_err().contains("--from"));
        let told = planned(&["192.0.2.1:5060", "--anywhere", "--from", "192.0.2.2:5070"]);
        assert_eq!(told.unwrap().target, SocketAddr::from(([192, 0, 2, 1], 5060)));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for wrong in [["--rate", "0"], ["--calls", "0"], ["--talk", "10"], ["--keys", "hello"]] {
            assert!(planned(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_report_shows_what_there_is() {
        let mut counts = load::callers::Counts { placed: 3, answered: 2, ..Default::default() };
        counts.refused.insert(503, 1);
        counts.set_up.record(Duration::from_micros(1_500));
        let report = Report {
            took: Duration::from_secs(2),
            counts,
            heard: Default::default(),
            packets_sent: 0,
            send_late: 0,
            repeated: 0,
            server_heard: true,
        };
        let text = as_text(&report);
        assert!(text.contains("calls refused                1 with 503"), "{text}");
        assert!(text.contains("1.50 ms") && !text.contains("MOS") && !text.contains("one way"), "{text}");
        let json = as_json(&report);
        assert_eq!((&json["refused"]["503"], &json["set_up_us"]["count"]), (&json!(1), &json!(1)));
        assert_eq!((&json["mos"], &json["delay_us"]), (&Value::Null, &Value::Null));
    }

    #[test]
    fn who_calls_where_nobody_is_hears_that_and_no_status() {
        let target = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut planned = plan(Alone::parse_from(["load", &target.to_string()]).load).unwrap();
        (planned.calls, planned.audio) = (2, false);
        let report = load::run(planned, |_, _| true).unwrap();
        assert!(!as_text(&report).contains("503"), "{}", as_text(&report));
        let told = answered(&report, target).unwrap_err().to_string();
        assert!(told.starts_with(&format!("error: nobody answers at {target}\n")), "{told}");
        assert_eq!(as_json(&report)["server_heard"], false);
    }
}
