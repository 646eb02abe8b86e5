//! The command line: what was asked, and what came of it as words and an exit status.
//!
//! Data goes to stdout and everything else to stderr; exit status 0 is done, 1 the thing checked is not
//! right or could not be done, 2 wrong use.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::io::Write;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::process;
use std::process::ExitCode;

use clap::Args;
use clap::Parser;
use clap::Subcommand;
use clap::ValueEnum;

use crate::base::Secret;
use crate::base::plain::is_hidden;
use crate::server::ServeOptions;
use crate::server::options::IceServers;
use crate::wire::tls::CertificateFiles;

/// A line of data, to stdout.
macro_rules! say {
    ($($words:tt)*) => { $crate::cli::show(format_args!("{}\n", format_args!($($words)*))) };
}

mod agent;
mod ask;
mod backup;
mod banner;
mod calls;
mod conformance;
mod customer;
mod doctor;
mod evaluations;
mod explain;
mod flow;
mod goals;
mod http;
mod load;
mod messages;
mod promises;
mod replay;
mod report;
mod route;
mod serve;
mod simulate;
mod standby;
mod table;
mod token;
mod trends;
mod trouble;

/// A contact-center voice server: SIP in, the right agent out, and no caller left waiting unasked.
#[derive(Debug, Parser)]
#[command(name = "warmline", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server (the default)
    Serve(ServeArgs),
    /// Keep a copy of another machine's server, and take over with its calls when it is gone
    Standby(standby::StandbyArgs),
    /// List calls, newest first, live ones included
    Calls(calls::ListArgs),
    /// Tell the story of one call, line by line
    Call(calls::StoryArgs),
    /// Tell why a call waited, and why it got the agent it got
    Explain(explain::ExplainArgs),
    /// How talks were judged, which are to be judged, what it comes to, and how often all talks kept the rules that facts judge
    Evaluations(evaluations::EvaluationsArgs),
    /// List what callers were promised: who owes it, by when, and what became of it
    Promises(promises::PromisesArgs),
    /// List the messages that callers left
    Messages(messages::MessagesArgs),
    /// People who take calls: list, add, passwd, disable, enable, remove, state
    #[command(subcommand)]
    Agent(agent::AgentCommand),
    /// People who call: list, add, import, unlock, remove
    #[command(subcommand)]
    Customer(customer::CustomerCommand),
    /// Tokens with which programs read the metrics: list, add, remove
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Flow files: check, test, run, graph, explore, diff, schema, publish, rollback, versions
    #[command(subcommand)]
    Flow(flow::FlowCommand),
    /// Call a server many times, and measure what its callers hear
    Load(load::LoadArgs),
    /// Drive the queue engine from a simulator, line by line
    Route(route::RouteArgs),
    /// Go through a day of the queue engine again, by the same rules or by others
    Replay(replay::ReplayArgs),
    /// Live through days of centers in virtual time, by our routing and by others'
    Simulate(simulate::SimulateArgs),
    /// Copy the data folder, also of a server that runs, so that another could start from it
    Backup(backup::BackupArgs),
    /// Check data folder, ports, prompts, limits and clock, and say what to do
    Doctor(doctor::DoctorArgs),
}

/// The flags of `serve`.
#[derive(Debug, Args)]
struct ServeArgs {
    /// The center's file [default: center.yaml among the flows]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data folder
    #[arg(long, value_name = "DIR", default_value = "./warmline-data")]
    data: PathBuf,
    /// The flow files
    #[arg(long, value_name = "DIR", default_value = "./ivr_flows")]
    flows: PathBuf,
    /// The prompts
    #[arg(long, value_name = "DIR", default_value = "./prompts")]
    prompts: PathBuf,
    /// SIP over UDP and TCP
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:5060", value_parser = address::<5_060>)]
    sip: SocketAddr,
    /// SIP over TLS [default: none]
    #[arg(long, value_name = "ADDR:PORT", value_parser = address::<5_061>)]
    sip_tls: Option<SocketAddr>,
    /// The web, and SIP over WebSocket at its path /sip
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080", value_parser = address::<8_080>)]
    http: SocketAddr,
    /// The web over HTTPS, which browsers elsewhere need for their microphones [default: none]
    #[arg(long, value_name = "ADDR:PORT", value_parser = address::<8_443>)]
    https: Option<SocketAddr>,
    /// The certificate and its chain in PEM, for TLS and HTTPS [default: one of our own making]
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its private key in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Authorities whose trunks and bots are believed over TLS, in PEM [default: those of this machine]
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// The DNS server that is asked for the names of trunks [default: those of this machine]
    #[arg(long, value_name = "ADDR:PORT", value_parser = address::<53>)]
    dns: Option<SocketAddr>,
    /// The one UDP port of all browsers' audio
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8081", value_parser = address::<8_081>)]
    webrtc: SocketAddr,
    /// UDP ports of the audio
    #[arg(long, value_name = "LOW-HIGH", default_value = "16384-32767", value_parser = port_range)]
    rtp_ports: RangeInclusive<u16>,
    /// Threads that move audio [default: one less than there are cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    media_workers: Option<u16>,
    /// The address that peers reach this machine at, when it is not the one that is bound
    #[arg(long, value_name = "ADDR")]
    public_address: Option<IpAddr>,
    /// The folder in which what the queue engine is told and decides is written down, for `warmline replay` [default: none]
    #[arg(long, value_name = "DIR")]
    queue_log: Option<PathBuf>,
    /// A STUN or TURN server that browsers should know; may be given more than once. TURN's shared secret is taken from
    /// the environment: WARMLINE_TURN_SECRET
    #[arg(long, value_name = "URL", value_parser = IceServers::parse_url)]
    ice_server: Vec<String>,
    /// A site whose pages may be SIP phones at /sip, beside our own; may be given more than once
    #[arg(long, value_name = "ORIGIN", value_parser = ServeOptions::parse_origin)]
    sip_origin: Vec<String>,
    /// The name under which a proxy on this machine is reached that brings people to the web; may be given more than once
    #[arg(long, value_name = "NAME", value_parser = ServeOptions::parse_host)]
    behind_proxy: Vec<String>,
    /// Where standbys of this server connect [default: there are none]
    #[arg(long, value_name = "ADDR:PORT", value_parser = address::<5_070>, requires = "standby_key")]
    standbys: Option<SocketAddr>,
    /// The file of the key that a server and its standbys share
    #[arg(long, value_name = "FILE")]
    standby_key: Option<PathBuf>,
}

/// Where the store is.
#[derive(Debug, Args)]
struct DataArg {
    /// The data folder
    #[arg(long, value_name = "DIR", default_value = "./warmline-data")]
    data: PathBuf,
}

/// For whom an answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    // Plain comments: as documentation they would turn every `--help` into its long form.
    // For people.
    #[default]
    Text,
    // For programs.
    Json,
}

/// Runs the program: parses the arguments, does it, says what went wrong.
pub fn main() -> ExitCode {
    // Wrong use ends here with status 2, --help and --version with 0.
    let cli = Cli::parse();
    let done = match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(args) => serve::run(args.into()),
        Command::Standby(args) => standby::run(args),
        Command::Calls(args) => calls::list(args),
        Command::Call(args) => calls::story(args),
        Command::Promises(args) => promises::list(args),
        Command::Evaluations(args) => evaluations::run(&args),
        Command::Messages(args) => messages::list(args),
        Command::Explain(args) => explain::run(&args),
        Command::Agent(command) => agent::run(command),
        Command::Customer(command) => customer::run(command),
        Command::Token(command) => token::run(command),
        Command::Flow(command) => flow::run(command),
        Command::Load(args) => load::run(args),
        Command::Route(args) => route::run(args),
        Command::Replay(args) => replay::run(&args),
        Command::Simulate(args) => simulate::run(args),
        Command::Backup(args) => backup::run(&args),
        Command::Doctor(args) => doctor::run(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprint!("{trouble}");
            trouble.status()
        }
    }
}

/// Writes data to stdout. A reader who has seen enough (`warmline calls | head`) ends the program without a
/// word; so does a full disk, with status 1.
fn show(data: impl fmt::Display) {
    let text = data.to_string();
    let Err(error) = write!(io::stdout(), "{}", harmless(&text, "\n\t")) else { return };
    process::exit(i32::from(error.kind() != io::ErrorKind::BrokenPipe));
}

/// Text from outside, as it stands on one line: whoever calls can end no line and begin another.
fn on_one_line(text: &str) -> Cow<'_, str> {
    harmless(text, "")
}

/// A text in which characters that a terminal acts on are written as JSON writes them, but for these.
fn harmless<'t>(text: &'t str, kept: &str) -> Cow<'t, str> {
    let acts = |c: char| is_hidden(c) && !kept.contains(c);
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut units = [0; 2];
    for c in text.chars() {
        match acts(c) {
            true => c.encode_utf16(&mut units).iter().for_each(|unit| shown += &format!("\\u{unit:04x}")),
            false => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

impl From<ServeArgs> for ServeOptions {
    fn from(args: ServeArgs) -> ServeOptions {
        ServeOptions {
            config: args.config,
            data: args.data,
            flows: args.flows,
            prompts: args.prompts,
            sip: args.sip,
            sip_tls: args.sip_tls,
            http: args.http,
            https: args.https,
            certificate: args.tls_cert.zip(args.tls_key).map(|(chain, key)| CertificateFiles { chain, key }),
            authorities: args.tls_ca,
            dns: args.dns,
            webrtc: args.webrtc,
            rtp_ports: args.rtp_ports,
            media_workers: args.media_workers.map_or(ServeOptions::default().media_workers, usize::from),
            public_address: args.public_address,
            queue_log: args.queue_log,
            ice: IceServers {
                urls: args.ice_server,
                turn_secret: std::env::var("WARMLINE_TURN_SECRET").ok().map(Secret::new),
            },
            sip_origins: args.sip_origin,
            behind_proxy: args.behind_proxy,
            standbys: args.standbys.zip(args.standby_key),
        }
    }
}

/// `127.0.0.1:5060`, `[::1]:5060`; `PORT` is the usual one of the option.
fn address<const PORT: u16>(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| match text.parse::<IpAddr>() {
        Ok(ip) => format!("the port is missing: write it as {}", SocketAddr::new(ip, PORT)),
        Err(_) => format!("an address of this machine and a port, like 127.0.0.1:{PORT}"),
    })
}

/// `16384-32767`
fn port_range(text: &str) -> Result<RangeInclusive<u16>, String> {
    let (low, high) = text.split_once('-').ok_or("two ports with a '-' between, like 16384-32767")?;
    let port = |text: &str| text.trim().parse::<u16>().map_err(|_| format!("{text:?} is no port"));
    let (low, high) = (port(low)?, port(high)?);
    if low < 1_024 || high < low.saturating_add(3) {
        return Err("at least four ports, from 1024 up".to_owned());
    }
    Ok(low..=high)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_arguments_are_serve_with_the_defaults() {
        let cli = Cli::parse_from(["warmline"]);
        assert!(cli.command.is_none());
        let defaults = ServeOptions::default();
        let options = ServeOptions::from(cli.serve);
        assert_eq!((options.sip, options.http), (defaults.sip, defaults.http));
        assert_eq!((options.rtp_ports, options.media_workers), (defaults.rtp_ports, defaults.media_workers));
    }

    #[test]
    fn flags_of_serve_need_not_name_it() {
        let short = Cli::parse_from(["warmline", "--sip", "127.0.0.1:5070", "--rtp-ports", "20000-20100"]);
        let long =
            Cli::parse_from(["warmline", "serve", "--sip", "127.0.0.1:5070", "--rtp-ports", "20000-20100"]);
        let Some(Command::Serve(args)) = long.command else { panic!("{:?}", long.command) };
        assert_eq!(ServeOptions::from(short.serve), ServeOptions::from(args));
    }

    #[test]
    fn an_address_without_a_port_is_told_the_usual_one_of_its_option() {
        assert_eq!(address::<5_060>("127.0.0.1:5070"), Ok(([127, 0, 0, 1], 5_070).into()));
        let options = [
            ("--sip", 5060),
            ("--sip-tls", 5061),
            ("--http", 8080),
            ("--https", 8443),
            ("--webrtc", 8081),
            ("--standbys", 5070),
        ];
        for (option, port) in options {
            let told = |address: &str| {
                let arguments = ["warmline", "--standby-key", "k", option, address];
                Cli::try_parse_from(arguments).unwrap_err().to_string()
            };
            assert!(told("127.0.0.2").contains(&format!("write it as 127.0.0.2:{port}")), "{option}");
            assert!(told("::1").contains(&format!("write it as [::1]:{port}")), "{option}");
            assert!(told("here").contains(&format!("and a port, like 127.0.0.1:{port}")), "{option}");
        }
        let asked = Cli::try_parse_from(["warmline", "agent", "state", "alice", "--http", "127.0.0.2"]);
        assert!(asked.unwrap_err().to_string().contains("127.0.0.2:8080"));
    }

    #[test]
    fn a_port_range_is_low_to_high() {
        assert_eq!(port_range("20000-20100"), Ok(20_000..=20_100));
        for wrong in ["", "20000", "20100-20000", "80-90", "a-b", "20000-20001", "20000-70000"] {
            assert!(port_range(wrong).is_err(), "{wrong}");
        }
    }
}
