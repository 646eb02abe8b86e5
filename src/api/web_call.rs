//! `/api/v1/web-call`: the socket of a caller's page. One call each; no sign-in, as with any telephone.

use std::future::pending;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::extract::WebSocketUpgrade;
use axum::extract::ws::WebSocket;
use axum::response::Response;
use serde::Deserialize;
use serde::Serialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;
use tokio::time::sleep_until;

use crate::api::ApiState;
use crate::api::came::Came;
use crate::api::socket::LONGEST_MESSAGE;
use crate::api::socket::Socket;
use crate::api::socket::bounded;
use crate::api::socket::refuse;
use crate::base::CallId;
use crate::base::Name;
use crate::fact::What;
use crate::server::browser::Ask;
use crate::server::browser::CallState;
use crate::server::browser::Tell;
use crate::store::NumberedFact;
use crate::wire::places::Place;
use crate::wire::places::Places;
use crate::wire::places::Shares;

/// The longest number that is dialled.
const LONGEST_NUMBER: usize = 64;
/// Pages at one time that are in no call. Ours is so for the second or two until its audio is up.
const IDLE_PAGES: usize = 1_024;
/// How many of these are one network's: behind one address there may be a mobile network.
const IDLE_PAGES_OF_NETWORK: usize = 64;
/// How long a page may be in no call.
const IDLE_WITHIN: Duration = Duration::from_secs(10 * 60);

/// What is being said.
#[derive(Debug, Serialize)]
struct Caption {
    tell: &'static str,
    text: String,
}

/// What the page asks.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
enum Asked {
    Call { number: String, sdp: String },
    Key { digit: char },
    HangUp {},
    Alive {},
}

/// Pages that are open and in no call. Cheap to clone.
#[derive(Clone)]
pub(super) struct IdlePages {
    places: Places,
    within: Duration,
}

/// A page's place among those in no call, and until when.
struct Idle {
    _place: Place,
    until: Instant,
}

/// Facts for a page that has asked for a call: the call's words are told, in the language in which they are spoken.
struct Heard {
    facts: Receiver<Arc<NumberedFact>>,
    /// None until the call has begun.
    call: Option<CallId>,
    language: Name,
}

/// What a page is at: in no call, waiting for one that it has asked for, or in one.
struct Page {
    from: IpAddr,
    /// None in a call.
    idle: Option<Idle>,
    /// None where no call was asked for.
    heard: Option<Heard>,
}

/// Why a page is closed.
type Why = (&'static str, &'static str);

const TOO_MANY: Why = ("too many pages are open that call nobody", "try again in a minute");
const NOBODY_CALLED: Why = ("the page was open for long and called nobody", "call again");

impl IdlePages {
    pub fn new(shares: Shares, within: Duration) -> IdlePages {
        IdlePages { places: Places::new(shares), within }
    }

    fn take(&self, from: IpAddr) -> Result<Idle, Why> {
        let place = self.places.take(from).map_err(|_| TOO_MANY)?;
        Ok(Idle { _place: place, until: Instant::now() + self.within })
    }
}

impl Default for IdlePages {
    fn default() -> IdlePages {
        IdlePages::new(
            Shares { all: IDLE_PAGES, network: IDLE_PAGES_OF_NETWORK, loopback: IDLE_PAGES },
            IDLE_WITHIN,
        )
    }
}

impl Page {
    fn open(state: &ApiState, from: IpAddr) -> Result<Page, Why> {
        Ok(Page { from, idle: Some(state.idle_pages.take(from)?), heard: None })
    }

    /// The page asks for a call: from now on, so that its first word is not missed.
    fn asks(&mut self, state: &ApiState) {
        let hears =
            || Heard { facts: state.live.subscribe(), call: None, language: state.center.language.clone() };
        self.heard.get_or_insert_with(hears);
    }

    /// The control thread tells the page something; why the page is closed, where it must be.
    fn is_told(&mut self, tell: &Tell, state: &ApiState) -> Result<(), Why> {
        match tell {
            Tell::State { state: CallState::Ended, .. } => {
                self.heard = None;
                if self.idle.is_none() {
                    self.idle = Some(state.idle_pages.take(self.from)?);
                }
            }
            Tell::State { call, .. } => {
                self.asks(state);
                self.idle = None;
                self.heard.iter_mut().for_each(|heard| heard.call = Some(*call));
            }
            Tell::Error { .. } | Tell::Disconnected { .. } if self.idle.is_some() => self.heard = None,
            _ => {}
        }
        Ok(())
    }

    /// The next fact; never one where no call was asked for.
    async fn fact(&mut self) -> Result<Arc<NumberedFact>, RecvError> {
        match &mut self.heard {
            Some(heard) => heard.facts.recv().await,
            None => pending().await,
        }
    }

    /// Until when it may call nobody.
    fn idle_until(&self) -> Option<Instant> {
        self.idle.as_ref().map(|idle| idle.until)
    }
}

/// `GET /api/v1/web-call`
pub(super) async fn open(
    State(state): State<ApiState>,
    Extension(came): Extension<Came>,
    upgrade: WebSocketUpgrade,
) -> Response {
    bounded(upgrade, LONGEST_MESSAGE).on_upgrade(move |web| serve(state, came.from, web))
}

async fn serve(state: ApiState, from: IpAddr, web: WebSocket) {
    let mut page = match Page::open(&state, from) {
        Ok(page) => page,
        Err(why) => return refuse(web, why).await,
    };
    let control = state.control.clone();
    let Ok((id, mut told)) = control.connect().await else { return };
    let mut socket = Socket::new(web, id, control);
    loop {
        let (pulse_at, idle_until) = (socket.pulse_at(), page.idle_until());
        let goes_on = tokio::select! {
            asked = socket.next() => match asked {
                Some(asked) => answer(&mut socket, &mut page, &state, asked).await,
                None => None,
            },
            tell = told.recv() => match tell {
                Some(tell) => match page.is_told(&tell, &state) {
                    Ok(()) => socket.tell(tell).await,
                    Err(why) => {
                        let _ = socket.tell(tell).await;
                        socket.end(why).await
                    }
                },
                None => None,
            },
            fact = page.fact() => caption(&mut socket, &state, page.heard.as_mut(), fact).await,
            () = sleep_until(idle_until.unwrap_or(pulse_at)), if idle_until.is_some() => {
                socket.end(NOBODY_CALLED).await
            }
            () = sleep_until(pulse_at) => socket.pulse().await,
        };
        if goes_on.is_none() {
            break;
        }
    }
    // When the control thread is gone, so is the call.
    let _ = socket.ask(Ask::Gone).await;
}

/// Tells the caller in words what they hear.
async fn caption(
    socket: &mut Socket,
    state: &ApiState,
    heard: Option<&mut Heard>,
    fact: Result<Arc<NumberedFact>, RecvError>,
) -> Option<()> {
    let Some(heard) = heard else { return Some(()) };
    let told = match fact {
        Ok(told) if heard.call.is_some() && told.dated.fact.call == heard.call => told,
        // A word that was passed over is lost, as it would be to the ear.
        Ok(_) | Err(RecvError::Lagged(_)) => return Some(()),
        Err(RecvError::Closed) => return None,
    };
    let text = match &told.dated.fact.what {
        What::Played { prompts } => state.captions.of(&heard.language, prompts),
        What::AgentConnected { agent, .. } => format!("You are talking with {agent}."),
        What::LanguageChosen { language } => {
            heard.language = language.clone();
            String::new()
        }
        _ => String::new(),
    };
    if text.is_empty() { Some(()) } else { socket.send(&Caption { tell: "caption", text }).await }
}

async fn answer(socket: &mut Socket, page: &mut Page, state: &ApiState, asked: Asked) -> Option<()> {
    match asked {
        Asked::Call { number, .. } if number.is_empty() || number.len() > LONGEST_NUMBER => {
            let error = format!("a number has 1 to {LONGEST_NUMBER} characters");
            socket.error(&error, "dial 1000").await
        }
        Asked::Call { number, sdp } => {
            page.asks(state);
            socket.ask(Ask::Call { number: number.into(), offer: sdp }).await
        }
        Asked::Key { digit } if !matches!(digit, '0'..='9' | '*' | '#') => {
            socket.error("a key is one of 0-9, * and #", "press another").await
        }
        Asked::Key { digit } => socket.ask(Ask::Key { digit }).await,
        Asked::HangUp {} => socket.ask(Ask::HangUp { call: None }).await,
        Asked::Alive {} => Some(()),
    }
}
