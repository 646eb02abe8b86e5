//! `warmline doctor`: whether a server could run here, and what to do when not. Changes nothing.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::UdpSocket;
use std::path::Path;
use std::time::Duration;
use std::time::SystemTime;

use clap::Args;
use futures_util::future::join_all;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustix::fs::Access;
use rustix::fs::access;
use rustix::process::Resource;
use rustix::process::getrlimit;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use tokio::runtime;

use crate::cli::Format;
use crate::cli::ServeArgs;
use crate::cli::http;
use crate::cli::trouble::Trouble;
use crate::cli::trouble::store_hint;
use crate::flow::Center;
use crate::flow::Diagnostic;
use crate::flow::center::BelieveNumbers;
use crate::server::PublishError;
use crate::server::ServeError;
use crate::server::ServeOptions;
use crate::server::load;
use crate::server::load::LoadError;
use crate::server::lock::FolderLock;
use crate::server::oddities;
use crate::server::publisher::Foreseen;
use crate::server::publisher::foresee;
use crate::server::publisher::in_short;
use crate::server::speech::SPEECH_HINT;
use crate::server::speech::unspeakable;
use crate::server::standby::StandbyKey;
use crate::server::trunks::resolver::Dns;
use crate::server::trunks::resolver::Wanted;
use crate::server::trunks::resolver::locate;
use crate::server::trunks::setup::names;
use crate::sip::uri::Transport;
use crate::store::FILE;
use crate::store::Readers;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::sounds::ASIDE;
use crate::wire::tls::TlsServer;

/// Each call takes two sockets, and the store, the web and the log some more.
const OPEN_FILES: u64 = 4_096;
/// No clock that is right is before this: 2026-01-01.
const EARLIEST: Duration = Duration::from_secs(1_767_225_600);

/// What is asked.
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    serve: ServeArgs,
    /// For people or for programs
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What came of one check.
enum Finding {
    Good(String),
    /// A server would run, but not as well as it could, or as it may be wanted.
    Note(String, String),
    Bad(String, String),
}

use Finding::Bad;
use Finding::Good;
use Finding::Note;

/// A finding for programs.
#[derive(Debug, Serialize)]
struct FindingView<'a> {
    /// What was checked. The names stay, whatever the messages say.
    check: &'static str,
    /// `good`, `note` or `bad`.
    severity: &'static str,
    message: &'a str,
    /// What to do; null where all is well.
    hint: Option<&'a str>,
}

/// What was checked, by its name for programs, and what came of it.
type Checked = (&'static str, Finding);

/// `warmline doctor`: the flags are those of `serve`, so that what is checked is what would run.
pub(super) fn run(args: DoctorArgs) -> Result<(), Trouble> {
    let findings = examine(&args.serve.into());
    match args.format {
        Format::Text => findings.iter().for_each(|(_, finding)| tell(finding)),
        Format::Json => say!("{:#}", report(&findings)),
    }
    match bad(&findings) {
        0 => Ok(()),
        1 => Err(Trouble::new("one thing is not right")),
        bad => Err(Trouble::new(format!("{bad} things are not right"))),
    }
}

fn examine(options: &ServeOptions) -> Vec<Checked> {
    let mut findings = vec![
        ("data_folder", data_folder(&options.data)),
        ("history", history(&options.data)),
        ("passwords", passwords(options)),
    ];
    findings.extend(set_aside(&options.data).map(|finding| ("set_aside", finding)));
    findings.extend(sockets(options));
    findings.extend(certificate(options).map(|finding| ("certificate", finding)));
    findings.extend(proxy(options).map(|finding| ("proxy", finding)));
    findings.extend(standby_key(options).map(|finding| ("standby_key", finding)));
    findings.extend(queue_log(options).map(|finding| ("queue_log", finding)));
    let (flows, center) = flows(options);
    findings.extend([
        ("audio_ports", audio_ports(options)),
        ("flows", flows),
        ("prompts", prompts(&options.prompts)),
        ("open_files", open_files()),
        ("clock", clock()),
    ]);
    let center = center.as_ref();
    findings.extend(center.and_then(|center| trunks(options, center)).map(|finding| ("trunks", finding)));
    let of_names = center.map(|center| trunk_names(options, center)).unwrap_or_default();
    findings.extend(of_names.into_iter().map(|finding| ("trunk_names", finding)));
    findings.extend(center.and_then(|center| callers(options, center)).map(|finding| ("callers", finding)));
    findings
        .extend(center.and_then(|center| known_pins(options, center)).map(|finding| ("customers", finding)));
    findings.extend(center.and_then(speech).map(|finding| ("speech", finding)));
    findings.extend(odd_files(options).into_iter().map(|finding| ("files", finding)));
    findings.extend(center.into_iter().flat_map(oddities::unset).map(|odd| ("environment", note_of(odd))));
    findings.extend(time_zone().map(|finding| ("time_zone", finding)));
    findings
}

fn bad(findings: &[Checked]) -> usize {
    findings.iter().filter(|(_, finding)| matches!(finding, Bad(..))).count()
}

fn tell(finding: &Finding) {
    match finding {
        Good(what) => say!("ok    {what}"),
        Note(what, hint) => say!("note  {what}\n      {hint}"),
        Bad(what, hint) => say!("BAD   {what}\n      {hint}"),
    }
}

/// What programs read: a provisioning script, a health check.
fn report(findings: &[Checked]) -> serde_json::Value {
    let views: Vec<FindingView> = findings.iter().map(FindingView::from).collect();
    json!({ "good": bad(findings) == 0, "findings": views })
}

impl<'a> From<&'a Checked> for FindingView<'a> {
    fn from((check, finding): &'a Checked) -> FindingView<'a> {
        let (severity, message, hint) = match finding {
            Good(what) => ("good", what, None),
            Note(what, hint) => ("note", what, Some(hint.as_str())),
            Bad(what, hint) => ("bad", what, Some(hint.as_str())),
        };
        FindingView { check, severity, message, hint }
    }
}

fn data_folder(folder: &Path) -> Finding {
    let shown = folder.display();
    match writable(folder) {
        Ok(()) if !folder.exists() => {
            Good(format!("data folder {shown} is not there yet; the server makes it"))
        }
        Ok(()) if FolderLock::is_taken(folder) => Note(
            format!("data folder {shown} can be written to, and a Warmline that runs has it"),
            "a second one needs a folder of its own: --data".to_owned(),
        ),
        Ok(()) => Good(format!("data folder {shown} can be written to")),
        Err(error) => Bad(
            format!("data folder {shown} cannot be {}: {error}", made_or_written(folder)),
            not_writable(&error, "--data"),
        ),
    }
}

/// Whether files can be made in a folder; where it is not there, whether it can be made.
fn writable(folder: &Path) -> io::Result<()> {
    if folder.exists() {
        let probe = folder.join(".warmline-doctor");
        return fs::write(&probe, b"?").and_then(|()| fs::remove_file(&probe));
    }
    let above =
        folder.ancestors().skip(1).map(|above| if above == Path::new("") { Path::new(".") } else { above });
    let Some(above) = above.into_iter().find(|above| above.exists()) else { return Ok(()) };
    if !above.is_dir() {
        return Err(io::Error::new(
            io::ErrorKind::NotADirectory,
            format!("{} is no folder", above.display()),
        ));
    }
    access(above, Access::WRITE_OK | Access::EXEC_OK)
        .map_err(|error| io::Error::new(error.kind(), format!("{} is not yours: {error}", above.display())))
}

fn made_or_written(folder: &Path) -> &'static str {
    if folder.exists() { "written to" } else { "made" }
}

fn not_writable(error: &io::Error, option: &str) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull => format!("the disk is full: make room, or name another with {option}"),
        _ => format!(
            "run this as the user whom the server runs as; or make it yours with chown, or name another with {option}"
        ),
    }
}

/// Whether the queue engine's log can be written, where it is wanted.
fn queue_log(options: &ServeOptions) -> Option<Finding> {
    let folder = options.queue_log.as_deref()?;
    let shown = folder.display();
    Some(match writable(folder) {
        Ok(()) => Good(format!("the queue log can be written in {shown}")),
        Err(error) => Bad(
            format!("the folder of the queue log {shown} cannot be {}: {error}", made_or_written(folder)),
            not_writable(&error, "--queue-log"),
        ),
    })
}

/// Whether every trunk can be reached as the center says.
fn trunks(options: &ServeOptions, center: &Center) -> Option<Finding> {
    let over_tls = center.trunks.iter().filter(|trunk| trunk.transport == Transport::Tls);
    let names: Vec<&str> = over_tls.map(|trunk| &*trunk.name).collect();
    (!names.is_empty()).then(|| match options.sip_tls {
        Some(address) => Good(format!("SIP over TLS is at {address}, for the trunks {}", names.join(", "))),
        None => {
            let error = ServeError::NoTls(names.join(", ").into());
            let hint = error.hint().unwrap_or_default();
            Bad(format!("{error}: the server would not start"), hint)
        }
    })
}

/// Where the names of trunks lead to, as the server would be told now.
fn trunk_names(options: &ServeOptions, center: &Center) -> Vec<Finding> {
    let dns = Dns { server: options.dns, ipv6: options.sip.is_ipv6() };
    let names = names(center);
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return vec![Note(format!("names are not looked up: {error}"), String::new())],
    };
    let found = runtime.block_on(join_all(names.iter().map(|name| locate(dns, name))));
    let told = |(name, found): (&Wanted, Result<(Vec<SocketAddr>, _), String>)| match found {
        Ok((places, _)) => {
            let places: Vec<String> = places.iter().map(ToString::to_string).collect();
            Good(format!("the name {name} leads to {}", places.join(", ")))
        }
        Err(why) => Bad(
            format!("the name {name} leads nowhere: {why}"),
            "is it written so at the provider? `--dns ADDR` asks another server than this machine does"
                .to_owned(),
        ),
    };
    names.iter().zip(found).map(told).collect()
}

/// Whether customers whose PINs everybody knows can be called in as, from outside.
fn known_pins(options: &ServeOptions, center: &Center) -> Option<Finding> {
    if center.trunks.is_empty() && !options.is_public() {
        return None;
    }
    // What keeps the store from being read is told above.
    let stand = Store::open_existing(&options.data).and_then(|store| store.demo_pins_stand()).ok()?;
    let first = stand.first()?;
    Some(Note(
        format!(
            "whoever calls can prove to be a customer of the demo, by PINs that everybody knows: {}",
            stand.join(", ")
        ),
        format!("remove each: `warmline customer remove {first}`"),
    ))
}

/// Whether anybody outside is taken for the number that they name.
fn callers(options: &ServeOptions, center: &Center) -> Option<Finding> {
    let is_open = center.believe_numbers == BelieveNumbers::FromAnywhere && !options.sip.ip().is_loopback();
    is_open.then(|| {
        let hint = "name who sends you calls under `trunks`, and leave `believe_numbers` out";
        Note(
            "whoever calls is taken for the number that they name, from anywhere".to_owned(),
            hint.to_owned(),
        )
    })
}

/// Whether the center's command speaks.
fn speech(center: &Center) -> Option<Finding> {
    center.speech.as_ref()?;
    let problems = unspeakable(center);
    Some(match problems.is_empty() {
        true => Good("the command of `speech` speaks".to_owned()),
        false => Bad(in_short(&problems), SPEECH_HINT.to_owned()),
    })
}

fn history(folder: &Path) -> Finding {
    match Readers::open(folder).and_then(|readers| readers.calls(&Default::default())) {
        Ok(_) => Good(format!("{FILE} can be read")),
        Err(StoreError::Missing { .. }) => Good(format!("{FILE} is not there yet; the server makes it")),
        Err(error) => Bad(error.to_string(), store_hint(&error).unwrap_or("see above").to_owned()),
    }
}

/// Whether something was moved aside that somebody may want.
fn set_aside(folder: &Path) -> Option<Finding> {
    let folder = folder.join(ASIDE);
    let count = files_in(&folder);
    (count > 0).then(|| {
        let what = format!("{count} files were moved aside, and not lost: {}", folder.display());
        let hint =
            "docs/STANDBY.md says what they are and how to bring them back; remove those that nobody wants";
        Note(what, hint.to_owned())
    })
}

fn files_in(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { files_in(&entry.path()) } else { 1 }).sum()
}

fn passwords(options: &ServeOptions) -> Finding {
    let public = options.is_public();
    let hint = "each is changed with `warmline agent passwd NAME`".to_owned();
    let seeded = || "demo passwords will stand after the first start".to_owned();
    match Store::open_existing(&options.data).and_then(|store| store.demo_passwords_stand()) {
        Err(StoreError::Missing { .. }) if public => {
            Bad(seeded(), format!("start on loopback first; {hint}"))
        }
        Err(StoreError::Missing { .. }) => Note(seeded(), hint),
        Ok(names) if names.is_empty() => Good("no demo password stands".to_owned()),
        Ok(names) if public => Bad(format!("demo passwords stand: {}", names.join(", ")), hint),
        Ok(names) => Note(format!("demo passwords stand, on loopback only: {}", names.join(", ")), hint),
        Err(error) => Bad(error.to_string(), store_hint(&error).unwrap_or("see above").to_owned()),
    }
}

/// Whether the server's own sockets are free, unless it is the server that has them.
fn sockets(options: &ServeOptions) -> Vec<Checked> {
    let ServeOptions { sip, sip_tls, http, https, webrtc, .. } = options;
    let page = http::ask(*http, "GET", "/", None);
    if page.is_ok_and(|page| page.body.contains("Warmline</title>")) {
        let mut findings = vec![("server", Good(format!("a Warmline runs already, at http://{http}/")))];
        findings.extend(running(*http));
        return findings;
    }
    let mut findings = vec![
        socket("sip_udp", "SIP over UDP", *sip, UdpSocket::bind(sip).map(drop)),
        socket("sip_tcp", "SIP over TCP", *sip, TcpListener::bind(sip).map(drop)),
        socket("http", "the web", *http, TcpListener::bind(http).map(drop)),
        socket("webrtc", "WebRTC", *webrtc, UdpSocket::bind(webrtc).map(drop)),
    ];
    let standbys = options.standbys.as_ref().map(|(address, _)| *address);
    for (check, what, address) in
        [("sip_tls", "SIP over TLS", sip_tls), ("https", "HTTPS", https), ("standbys", "standbys", &standbys)]
    {
        let bound = |address| socket(check, what, address, TcpListener::bind(address).map(drop));
        findings.extend(address.map(bound));
    }
    findings
}

/// What a server that runs says of itself: what somebody should look at, and its standbys, where it tells who has no name.
fn running(http: SocketAddr) -> Vec<Checked> {
    let ready = http::ask(http, "GET", "/readyz", None).map(|answer| answer.body).unwrap_or_default();
    let hint = "the wallboard and the server's log say more";
    let trouble = ready.lines().skip(1).map(|line| ("server", Note(line.to_owned(), hint.to_owned())));
    let board = http::ask(http, "GET", "/api/v1/wallboard", None).map(|answer| answer.body);
    let board: Value = board.ok().and_then(|body| serde_json::from_str(&body).ok()).unwrap_or_default();
    let standbys: Vec<&Value> = board["standbys"].as_array().into_iter().flatten().collect();
    let could = standbys.iter().filter_map(|standby| could_take_over(standby)).map(Good);
    let others = standbys.iter().filter_map(|standby| other_files(standby));
    trouble.chain(could.chain(others).map(|finding| ("standby", finding))).collect()
}

/// A standby that could take over, in words; what is wrong with another is told apart.
fn could_take_over(standby: &Value) -> Option<String> {
    let since = standby["since"].as_str()?.parse::<Timestamp>().ok()?.to_zoned(TimeZone::system());
    let could = standby["state"] == "up_to_date";
    could.then(|| {
        let since = since.strftime("%Y-%m-%d %H:%M:%S");
        format!("the standby {} could take over, since {since}", standby["address"].as_str().unwrap_or("?"))
    })
}

/// That a standby would serve other files, if it would.
fn other_files(standby: &Value) -> Option<Finding> {
    let many = standby["files_differ"].as_u64().filter(|many| *many > 0)?;
    let named =
        standby["differing"].as_array()?.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
    let address = standby["address"].as_str().unwrap_or("?");
    let files = if many == 1 { "a file differs".to_owned() } else { format!("{many} files differ") };
    Some(Note(
        format!("the standby {address} would serve other files, {files}: {named}"),
        "have the same flow files and prompts on both machines".to_owned(),
    ))
}

/// Whether who comes by way of a proxy can come past it, too.
fn proxy(options: &ServeOptions) -> Option<Finding> {
    let names = (!options.behind_proxy.is_empty()).then(|| options.behind_proxy.join(", "))?;
    let http = options.http;
    Some(if http.ip().is_loopback() {
        Good(format!("the web is behind a proxy at {names}"))
    } else {
        let hint = format!("bind the web to this machine alone: --http 127.0.0.1:{}", http.port());
        Note(format!("the web is reached at {http}, past the proxy at {names}"), hint)
    })
}

/// Whether the key that a server and its standbys share can be read.
fn standby_key(options: &ServeOptions) -> Option<Finding> {
    let (_, file) = options.standbys.as_ref()?;
    Some(match StandbyKey::read(file) {
        Ok(_) => Good(format!("the standbys' key {} can be read", file.display())),
        Err(error) => Bad(error.to_string(), error.hint()),
    })
}

/// Whether the certificate that was named can be shown.
fn certificate(options: &ServeOptions) -> Option<Finding> {
    let files = options.certificate.clone()?;
    let shown = files.chain.display().to_string();
    Some(match TlsServer::new(files) {
        Ok(_) => Good(format!("the certificate {shown} fits its key")),
        Err(error) => Bad(error.to_string(), "name the chain and its key in PEM".to_owned()),
    })
}

fn socket(check: &'static str, what: &str, address: SocketAddr, bound: io::Result<()>) -> Checked {
    let finding = match bound {
        Ok(()) => Good(format!("{what} can be bound at {address}")),
        Err(error) => {
            let hint = match error.kind() {
                io::ErrorKind::AddrInUse => "something is there already: `ss -lntup` shows what",
                io::ErrorKind::AddrNotAvailable => {
                    "this machine has no such address: `ip addr` shows those it has"
                }
                io::ErrorKind::PermissionDenied => "a port below 1024 needs a privilege; choose a higher one",
                _ => "choose another address",
            };
            Bad(format!("{what} cannot be bound at {address}: {error}"), hint.to_owned())
        }
    };
    (check, finding)
}

/// Tries a few ports of the range: the server passes over one that is taken.
fn audio_ports(options: &ServeOptions) -> Finding {
    let (low, high) = (*options.rtp_ports.start(), *options.rtp_ports.end());
    let step = usize::from(((high - low) / 16).max(1));
    let tried: Vec<u16> = (low..=high).step_by(step).collect();
    let ip: IpAddr = options.sip.ip();
    let taken = tried.iter().filter(|port| UdpSocket::bind((ip, **port)).is_err()).count();
    let calls = u32::from(high - low).div_ceil(4);
    match taken {
        0 => Good(format!("audio ports {low}-{high} are free, for some {calls} calls with an agent")),
        taken if taken < tried.len() => Note(
            format!("audio ports {low}-{high}: {taken} of {} tried are taken", tried.len()),
            "the server passes over them".to_owned(),
        ),
        _ => Bad(
            format!("audio ports {low}-{high} are taken, all that were tried"),
            "choose others with --rtp-ports".to_owned(),
        ),
    }
}

/// Whether a start would serve the flow files, and what else it would; and the center, where they are in order.
fn flows(options: &ServeOptions) -> (Finding, Option<Center>) {
    let shown = options.flows.display();
    let finding = match foresee(&options.data, &options.flow_place(), &options.prompts) {
        Ok(Foreseen::Files(loaded)) => {
            let Center { flows, numbers, .. } = &loaded.center;
            let words = format!(
                "flow files in {shown} are in order: {} flows behind {} numbers",
                flows.len(),
                numbers.len()
            );
            return (Good(words), Some(loaded.center));
        }
        Ok(Foreseen::Kept(version, errors)) => Bad(
            format!("flow files in {shown} are not in order: {}", in_short(&errors)),
            format!(
                "`warmline flow check` tells all of it; until it is mended, a start serves version {version}, which the \
                 data folder keeps"
            ),
        ),
        Err(LoadError::Prompts { flows, .. }) if !flows.is_empty() => {
            let errors: Vec<String> = flows.iter().map(ToString::to_string).collect();
            Bad(
                in_short(&errors),
                "`warmline flow check` tells all of it; the server would not start".to_owned(),
            )
        }
        Err(LoadError::NoPrompts(_) | LoadError::PromptFolder { .. } | LoadError::Prompts { .. }) => Note(
            format!("flow files in {shown} are not checked: that takes the prompts"),
            "see the next".to_owned(),
        ),
        Err(error) => {
            let hint = match &error {
                LoadError::Flows(_) => "`warmline flow check` tells all of it; the server would not start",
                LoadError::NoFlows(_) | LoadError::Read { .. } => {
                    "start in the folder that has ivr_flows, or name it with --flows; --config names the center's file"
                }
                LoadError::DataFolder { .. } => "see above",
                _ => "the server would not start",
            };
            Bad(in_short(&PublishError::Load(error).all()), hint.to_owned())
        }
    };
    (finding, None)
}

/// Files that nobody reads, and recordings that callers hear badly.
fn odd_files(options: &ServeOptions) -> Vec<Finding> {
    let passed_over = oddities::passed_over(&options.flows, &options.prompts);
    passed_over.iter().chain(&oddities::hard_to_hear(&options.prompts)).map(note_of).collect()
}

fn note_of(odd: &Diagnostic) -> Finding {
    Note(format!("{}:{}: {}", odd.file, odd.line, odd.message), odd.hint.clone().unwrap_or_default())
}

/// Whether a start could use the recordings.
fn prompts(folder: &Path) -> Finding {
    let elsewhere = || "start in the folder that has prompts, or name it with --prompts".to_owned();
    match load::prompts(folder) {
        Ok((prompts, problems)) if problems.is_empty() => {
            Good(format!("{} prompts in {}", prompts.len(), folder.display()))
        }
        Ok((_, problems)) => Bad(in_short(&problems), load::RECORDING_HINT.to_owned()),
        Err(LoadError::NoPrompts(_)) => {
            Bad(format!("there is no prompt in {}", folder.display()), elsewhere())
        }
        Err(error) => Bad(format!("prompts in {} cannot be read: {error}", folder.display()), elsewhere()),
    }
}

fn open_files() -> Finding {
    match getrlimit(Resource::Nofile).current {
        Some(limit) if limit < OPEN_FILES => Bad(
            format!("at most {limit} files may be open, which is {} calls or so", limit / 4),
            format!("`ulimit -n {OPEN_FILES}` or more before the start; LimitNOFILE= in a systemd unit"),
        ),
        Some(limit) => Good(format!("{limit} files may be open")),
        None => Good("any number of files may be open".to_owned()),
    }
}

/// By which the wallboard's day begins and times are told, where the center names no zone.
fn time_zone() -> Option<Finding> {
    let error = TimeZone::try_system().err()?;
    let hint = "times are told in UTC where the center names no time_zone: name one, or set TZ to a name such as Europe/Berlin";
    Some(Note(format!("the time zone of this machine cannot be told: {error}"), hint.to_owned()))
}

fn clock() -> Finding {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    if since >= EARLIEST {
        return Good(format!("the clock says {}", jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S %Z")));
    }
    let hint = "set it, or start a time service: `timedatectl set-ntp true`".to_owned();
    Bad("the clock is before 2026: the history would be false".to_owned(), hint)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::server::publisher::Beginning;

    /// Of a machine on which all is well but for the prompts, and the web's port is taken.
    fn findings() -> serde_json::Value {
        let folder = tempfile::tempdir().unwrap();
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let options = ServeOptions {
            data: folder.path().join("data"),
            flows: Path::new(env!("CARGO_MANIFEST_DIR")).join("ivr_flows"),
            prompts: folder.path().join("prompts"),
            sip: any,
            http: any,
            https: Some(taken.local_addr().unwrap()),
            webrtc: any,
            standbys: Some((any, folder.path().join("standby.key"))),
            ..ServeOptions::default()
        };
        serde_json::from_str(&format!("{:#}", report(&examine(&options)))).unwrap()
    }

    #[test]
    fn programs_are_told_what_was_checked_and_what_to_do() {
        let told = findings();
        assert_eq!(told["good"], false, "{told}");
        let of = |check: &str| {
            let findings = told["findings"].as_array().unwrap();
            findings
                .iter()
                .find(|finding| finding["check"] == check)
                .unwrap_or_else(|| panic!("{check}: {told}"))
        };
        for check in ["data_folder", "history", "sip_udp", "sip_tcp", "http", "webrtc", "standbys", "clock"] {
            assert!(of(check)["severity"] == "good" && of(check)["hint"].is_null(), "{check}: {told}");
        }
        assert_eq!(
            (&of("passwords")["severity"], &of("flows")["severity"]),
            (&json!("note"), &json!("note"))
        );
        assert!(of("passwords")["hint"].as_str().unwrap().contains("warmline agent passwd"), "{told}");
        for check in ["https", "standby_key", "prompts"] {
            assert!(of(check)["severity"] == "bad" && of(check)["hint"].is_string(), "{check}: {told}");
            assert!(of(check)["message"].as_str().is_some_and(|message| !message.is_empty()), "{told}");
        }
    }

    #[test]
    fn flow_files_are_checked_as_a_start_would_and_what_it_would_serve_instead_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let demo = Path::new(env!("CARGO_MANIFEST_DIR"));
        let options = ServeOptions {
            data: folder.path().join("data"),
            flows: folder.path().join("flows"),
            prompts: demo.join("prompts"),
            ..ServeOptions::default()
        };
        fs::create_dir(&options.flows).unwrap();
        for entry in fs::read_dir(demo.join("ivr_flows")).unwrap().flatten().filter(|it| it.path().is_file())
        {
            fs::copy(entry.path(), options.flows.join(entry.file_name())).unwrap();
        }
        let Good(words) = flows(&options).0 else { panic!("the demo center is in order") };
        assert!(words.contains(" flows behind "), "{words}");
        assert!(!options.data.exists(), "nothing is changed");
        let main = options.flows.join("main.yaml");
        let good = fs::read_to_string(&main).unwrap();
        fs::write(&main, good.replace("enqueue: ", "enqueue: not_")).unwrap();
        let Bad(words, hint) = flows(&options).0 else { panic!("no queue is called so") };
        assert!(
            words.contains("no queue is called \"not_") && hint.contains("would not start"),
            "{words}: {hint}"
        );
        fs::write(&main, good).unwrap();
        let (_, beginning) =
            Beginning::read(&options.data, &options.flow_place(), &options.prompts, Vec::new()).unwrap();
        fs::write(&main, "flow: main\nstart: ").unwrap();
        let Bad(words, hint) = flows(&options).0 else { panic!("it is half a file") };
        let kept = format!("a start serves version {}", beginning.version());
        assert!(words.contains("main.yaml:") && hint.contains(&kept), "{words}: {hint}");
    }

    #[test]
    fn a_recording_that_cannot_be_used_is_told_with_what_it_should_be() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("en")).unwrap();
        fs::write(folder.path().join("en/hello.wav"), "no sound").unwrap();
        let Bad(words, hint) = prompts(folder.path()) else { panic!("it is no WAV file") };
        assert!(words.contains("en/hello.wav: ") && hint.contains("not compressed"), "{words}: {hint}");
    }

    #[test]
    fn what_a_start_would_stumble_over_is_told_before() {
        let folder = tempfile::tempdir().unwrap();
        let demo = Path::new(env!("CARGO_MANIFEST_DIR"));
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let center = folder.path().join("center.yaml");
        let text = fs::read_to_string(demo.join("ivr_flows/center.yaml")).unwrap();
        let more =
            "trunks: { city: { out: 192.0.2.7, transport: tls } }\nspeech: { command: /nowhere/speak }\n";
        fs::write(&center, text + more).unwrap();
        let options = ServeOptions {
            data: folder.path().join("a/b"),
            flows: demo.join("ivr_flows"),
            prompts: demo.join("prompts"),
            config: Some(center),
            queue_log: Some(file.join("log")),
            ..ServeOptions::default()
        };
        let findings = examine(&options);
        for (check, part) in [
            ("queue_log", "is no folder"),
            ("trunks", "city speaks TLS"),
            ("speech", "/nowhere/speak cannot be started"),
        ] {
            let found = findings.iter().find(|(name, _)| *name == check);
            let Some((_, Bad(words, hint))) = found else { panic!("{check} is not bad") };
            assert!(words.contains(part) && !hint.is_empty(), "{check}: {words}: {hint}");
        }
        let Bad(words, _) = data_folder(&file.join("data")) else { panic!("it cannot be made") };
        assert!(words.contains("cannot be made") && words.contains("is no folder"), "{words}");
        let good = ServeOptions {
            queue_log: Some(folder.path().join("log")),
            sip_tls: Some(options.sip),
            ..options
        };
        let findings = examine(&good);
        for check in ["data_folder", "queue_log", "trunks"] {
            let found = findings.iter().find(|(name, _)| *name == check);
            assert!(matches!(found, Some((_, Good(_)))), "{check}");
        }
        assert!(!good.data.exists() && !folder.path().join("log").exists(), "nothing is made");
    }

    #[test]
    fn a_center_that_believes_anybody_s_number_is_told_where_anybody_can_call() {
        let mut demo = crate::flow::tests::demo();
        let public = ServeOptions { sip: "0.0.0.0:5060".parse().unwrap(), ..ServeOptions::default() };
        assert!(callers(&public, &demo).is_none());
        demo.believe_numbers = BelieveNumbers::FromAnywhere;
        assert!(callers(&ServeOptions::default(), &demo).is_none(), "nobody calls but from this machine");
        assert!(matches!(callers(&public, &demo), Some(Note(..))));
    }

    #[test]
    fn demo_customers_beside_a_trunk_are_told_until_they_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.seed_demo_customers().unwrap();
        let options = ServeOptions { data: folder.path().to_owned(), ..ServeOptions::default() };
        let demo = crate::flow::tests::demo();
        assert!(known_pins(&options, &demo).is_none(), "nobody calls but from this machine");
        let public = ServeOptions { sip: "0.0.0.0:5060".parse().unwrap(), ..options };
        let Some(Note(words, hint)) = known_pins(&public, &demo) else { panic!("Ann's PIN is 4711") };
        assert!(
            words.ends_with("100200, 100300, 100400") && hint.contains("customer remove 100200"),
            "{words}"
        );
        ["100200", "100300", "100400"].iter().for_each(|account| store.remove_customer(account).unwrap());
        assert!(known_pins(&public, &demo).is_none());
    }

    #[test]
    fn a_standby_that_could_take_over_is_told() {
        let told = |state: &str| {
            let since = "2026-11-22T14:00:00.000Z";
            could_take_over(
                &json!({ "address": "192.0.2.12", "state": state, "since": since, "behind_s": 0.1 }),
            )
        };
        let words = told("up_to_date").unwrap();
        assert!(words.starts_with("the standby 192.0.2.12 could take over, since 2026-11-2"), "{words}");
        assert_eq!((told("sending"), told("behind")), (None, None));
        let other = json!({ "address": "192.0.2.12", "files_differ": 1, "differing": ["flows/main.yaml is another"] });
        let Some(Note(words, _)) = other_files(&other) else { panic!("it is no note") };
        let expected =
            "the standby 192.0.2.12 would serve other files, a file differs: flows/main.yaml is another";
        assert_eq!(words, expected);
    }

    #[test]
    fn a_web_that_is_reached_past_its_proxy_is_told() {
        let of = |http: &str| {
            let (http, behind_proxy) = (http.parse().unwrap(), vec!["calls.example.org".to_owned()]);
            proxy(&ServeOptions { http, behind_proxy, ..ServeOptions::default() })
        };
        assert!(matches!(of("127.0.0.1:8080"), Some(Good(_))));
        assert!(matches!(of("0.0.0.0:8080"), Some(Note(..))));
        assert!(proxy(&ServeOptions::default()).is_none());
    }

    #[test]
    fn a_machine_is_good_where_nothing_is_bad() {
        let note = || ("open_files", Note("few".to_owned(), "more".to_owned()));
        assert_eq!(report(&[note(), ("clock", Good("right".to_owned()))])["good"], true);
        assert_eq!(report(&[note(), ("clock", Bad("wrong".to_owned(), "set it".to_owned()))])["good"], false);
    }
}
