//! What people may ask of the control thread, and how they ask. The control thread answers each request.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use tokio::sync::mpsc;
use tokio::sync::oneshot;

use crate::base::CallId;
use crate::base::Name;
use crate::base::PromiseId;
use crate::base::WallTime;
use crate::call::request::AgentRequest;
use crate::call::request::Refusal;
use crate::fact::CustomerChange;
use crate::fact::Promise;
use crate::fact::What;
use crate::fact::recording::RecordingFile;
use crate::queue::api::AgentWish;
use crate::queue::promises::PromiseWish;
use crate::server::accounts::Users;
use crate::server::browser::Ask;
use crate::server::browser::SocketId;
use crate::server::browser::Tell;
use crate::server::canary::Served;
use crate::server::switchboard::PlaceCall;

/// Requests that may wait for the control thread; beyond it the answer is [`ControlError::Overloaded`].
const WAITING: usize = 256;

/// What may wait to be told to one browser's socket; one that does not read so much is cut.
const TOLD: usize = 64;

/// What somebody reads of callers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reading {
    /// A call's history.
    Call(CallId),
    /// The list of calls, by these filters: see [`What::CallsListed`].
    Calls(String),
    /// How the talks of a call were judged.
    Evaluations(CallId),
    /// Facts as they happen.
    Events,
    /// Who the callers are.
    Customers,
}

impl Reading {
    /// The fact that tells of it, and of which call.
    pub fn told(self, by: Name) -> (Option<CallId>, What) {
        match self {
            Reading::Call(call) => (Some(call), What::CallRead { by }),
            Reading::Evaluations(call) => (Some(call), What::EvaluationsRead { by }),
            Reading::Calls(filter) => (None, What::CallsListed { by, filter }),
            Reading::Events => (None, What::EventsWatched { by }),
            Reading::Customers => (None, What::CustomersRead { by }),
        }
    }
}

/// What becomes of an evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvaluationStep {
    /// Somebody wrote it; none for a program on the server's machine.
    Written { by: Option<Name> },
    /// Whoever it is of has read it.
    Acknowledged,
}

impl EvaluationStep {
    /// The fact that tells of it.
    pub fn told(self, agent: Name, form: Name) -> What {
        match self {
            EvaluationStep::Written { by } => What::Evaluated { agent, form, by },
            EvaluationStep::Acknowledged => What::EvaluationAcknowledged { agent, form },
        }
    }
}

/// A request to the control thread. The thread sends the answer; a request that it drops is answered with
/// [`ControlError::Stopping`].
#[derive(Debug)]
pub enum ControlRequest {
    /// An agent's state is to be another one.
    SetAgentState {
        agent: Name,
        wish: AgentWish,
        /// Who wants it, when it is not the agent.
        by: Option<Name>,
        reply: oneshot::Sender<Result<(), ControlError>>,
    },
    /// An agent has a skill at another level; at 0 not at all.
    SetSkill {
        agent: Name,
        skill: Name,
        level: u8,
        by: Name,
        reply: oneshot::Sender<Result<(), ControlError>>,
    },
    /// A call is to end.
    HangUp { call: CallId, by: Option<Name>, reply: oneshot::Sender<Result<(), ControlError>> },
    /// An agent or a supervisor asks something of a call.
    AskCall {
        who: Name,
        call: CallId,
        request: Box<AgentRequest>,
        reply: oneshot::Sender<Result<Option<PromiseId>, ControlError>>,
    },
    /// Somebody fetches a recording: it is told before they have it.
    RecordingFetched {
        call: CallId,
        file: RecordingFile,
        by: Option<Name>,
        reply: oneshot::Sender<Result<(), ControlError>>,
    },
    /// Somebody reads what is kept of callers: it is told before they have it.
    Read { what: Reading, by: Name, reply: oneshot::Sender<Result<(), ControlError>> },
    /// Somebody has changed what is kept of a customer; by nobody: a program on the server's machine.
    CustomerChanged {
        account: String,
        did: CustomerChange,
        by: Option<Name>,
        reply: oneshot::Sender<Result<(), ControlError>>,
    },
    /// An agent's talk was judged, or they have read how.
    Evaluated {
        call: CallId,
        agent: Name,
        form: Name,
        step: EvaluationStep,
        reply: oneshot::Sender<Result<(), ControlError>>,
    },
    /// Somebody says that a message is handled.
    MessageHandled {
        call: CallId,
        part: u16,
        by: Option<Name>,
        words: String,
        reply: oneshot::Sender<Result<WallTime, ControlError>>,
    },
    /// Somebody says what became of a promise, or who owes it now; the answer is what it is then.
    Promise {
        id: PromiseId,
        who: Name,
        /// Whether they may speak for its owner.
        supervises: bool,
        wish: PromiseWish,
        reply: oneshot::Sender<Result<Promise, ControlError>>,
    },
    /// An agent wants to call somebody; the answer is the call's number.
    Place { who: Name, wish: PlaceCall, reply: oneshot::Sender<Result<CallId, ControlError>> },
    /// A look back on the last week has found something: it is told.
    TrendSeen { what: Box<What> },
    /// Phones sign in with these from now on, and these people are shut out.
    Accounts { users: Users, shut_out: BTreeSet<Name> },
    /// Calls from now on are served with this.
    Serve { served: Box<Served>, reply: oneshot::Sender<Result<(), ControlError>> },
    /// A browser's socket is here; what it is told goes into `tell`. When that is full, it is cut.
    Connect { socket: SocketId, tell: mpsc::Sender<Tell> },
    /// It asks.
    Ask { socket: SocketId, ask: Ask },
    /// The server is to stop: no new calls, and an end when the last one is over.
    Shutdown { reply: oneshot::Sender<Result<(), ControlError>> },
    /// The server is to end at once, and to leave its calls to the next one.
    Leave { reply: oneshot::Sender<Result<(), ControlError>> },
}

/// Why the control thread did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    #[error("there is no agent {0:?}")]
    UnknownAgent(String),
    #[error("there is no skill {0:?}")]
    UnknownSkill(String),
    #[error("there is no call {0} now")]
    UnknownCall(CallId),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("too many requests wait")]
    Overloaded,
    #[error("the server is stopping")]
    Stopping,
}

impl ControlError {
    /// The status that HTTP answers with.
    pub fn http_status(&self) -> u16 {
        match self {
            ControlError::UnknownAgent(_) | ControlError::UnknownSkill(_) | ControlError::UnknownCall(_) => {
                404
            }
            // Whom it names there is not: the same request will never do.
            ControlError::Refused(
                Refusal::NoSuchTarget(_) | Refusal::NoSuchNumber(_) | Refusal::QueueCalled,
            ) => 422,
            ControlError::Refused(_) => 409,
            ControlError::Overloaded | ControlError::Stopping => 503,
        }
    }
}

/// Asks the control thread. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ControlHandle {
    requests: mpsc::Sender<ControlRequest>,
    next_socket: Arc<AtomicU64>,
}

impl ControlHandle {
    /// A handle, and the end at which the control thread takes the requests.
    pub fn new() -> (ControlHandle, mpsc::Receiver<ControlRequest>) {
        let (requests, receiver) = mpsc::channel(WAITING);
        (ControlHandle { requests, next_socket: Arc::default() }, receiver)
    }

    /// Sets what an agent is to be, and who says so when it is not the agent. While they ring or talk it is kept
    /// for afterwards.
    pub async fn set_agent_state(
        &self,
        agent: &str,
        wish: AgentWish,
        by: Option<Name>,
    ) -> Result<(), ControlError> {
        self.ask(|reply| ControlRequest::SetAgentState { agent: agent.into(), wish, by, reply }).await
    }

    /// Gives an agent a skill at a level, 1 to 10, or takes it: 0.
    pub async fn set_skill(&self, agent: &str, skill: &str, level: u8, by: Name) -> Result<(), ControlError> {
        let (agent, skill) = (agent.into(), skill.into());
        self.ask(|reply| ControlRequest::SetSkill { agent, skill, level, by, reply }).await
    }

    /// Ends a call, in this person's name; nobody's for a program on the server's machine.
    pub async fn hang_up(&self, call: CallId, by: Option<Name>) -> Result<(), ControlError> {
        self.ask(|reply| ControlRequest::HangUp { call, by, reply }).await
    }

    /// Asks something of a call in an agent's or a supervisor's name; the number of what was promised by it.
    pub async fn ask_call(
        &self,
        who: &str,
        call: CallId,
        request: AgentRequest,
    ) -> Result<Option<PromiseId>, ControlError> {
        let (who, request) = (who.into(), Box::new(request));
        self.ask(|reply| ControlRequest::AskCall { who, call, request, reply }).await
    }

    /// Has the history say that somebody fetches a recording.
    pub async fn recording_fetched(
        &self,
        call: CallId,
        file: RecordingFile,
        by: Option<Name>,
    ) -> Result<(), ControlError> {
        self.ask(|reply| ControlRequest::RecordingFetched { call, file, by, reply }).await
    }

    /// Has the history say that somebody reads it.
    pub async fn read(&self, what: Reading, by: Name) -> Result<(), ControlError> {
        self.ask(|reply| ControlRequest::Read { what, by, reply }).await
    }

    /// Has the history say that somebody has changed what is kept of a customer.
    pub async fn customer_changed(
        &self,
        account: String,
        did: CustomerChange,
        by: Option<Name>,
    ) -> Result<(), ControlError> {
        self.ask(|reply| ControlRequest::CustomerChanged { account, did, by, reply }).await
    }

    /// Has the history say what became of an evaluation.
    pub async fn evaluated(
        &self,
        call: CallId,
        agent: Name,
        form: Name,
        step: EvaluationStep,
    ) -> Result<(), ControlError> {
        self.ask(|reply| ControlRequest::Evaluated { call, agent, form, step, reply }).await
    }

    /// Has the history say that a message is handled, and since when it is.
    pub async fn message_handled(
        &self,
        call: CallId,
        part: u16,
        by: Option<Name>,
        words: String,
    ) -> Result<WallTime, ControlError> {
        self.ask(|reply| ControlRequest::MessageHandled { call, part, by, words, reply }).await
    }

    /// Says what became of a promise, or who owes it now; what it is then.
    pub async fn promise(
        &self,
        id: PromiseId,
        who: Name,
        supervises: bool,
        wish: PromiseWish,
    ) -> Result<Promise, ControlError> {
        self.ask(|reply| ControlRequest::Promise { id, who, supervises, wish, reply }).await
    }

    /// Calls somebody in an agent's name; the call's number.
    pub async fn place(&self, who: &str, wish: PlaceCall) -> Result<CallId, ControlError> {
        let who = who.into();
        self.ask(|reply| ControlRequest::Place { who, wish, reply }).await
    }

    /// Has it told what became of a queue's figures. For a thread that may wait.
    pub fn trend_seen(&self, what: What) -> Result<(), ControlError> {
        let request = ControlRequest::TrendSeen { what: Box::new(what) };
        self.requests.blocking_send(request).map_err(|_| ControlError::Stopping)
    }

    /// Has phones sign in with these from now on, and shuts these people out. For a thread that may wait.
    pub(super) fn know_accounts(&self, users: Users, shut_out: BTreeSet<Name>) -> Result<(), ControlError> {
        let request = ControlRequest::Accounts { users, shut_out };
        self.requests.blocking_send(request).map_err(|_| ControlError::Stopping)
    }

    /// Serves calls from now on with this. For a thread that may wait.
    pub fn serve(&self, served: Served) -> Result<(), ControlError> {
        let (reply, answer) = oneshot::channel();
        self.send(ControlRequest::Serve { served: Box::new(served), reply })?;
        answer.blocking_recv().unwrap_or(Err(ControlError::Stopping))
    }

    /// Stops the server. A second time it stops at once.
    pub async fn shut_down(&self) -> Result<(), ControlError> {
        self.ask(|reply| ControlRequest::Shutdown { reply }).await
    }

    /// Ends the server at once; its calls go on in the next one that has its data folder.
    pub async fn leave(&self) -> Result<(), ControlError> {
        self.ask(|reply| ControlRequest::Leave { reply }).await
    }

    /// A browser's socket is here: its number, and what it is told from now on. The end of that is the end of the
    /// socket.
    pub async fn connect(&self) -> Result<(SocketId, mpsc::Receiver<Tell>), ControlError> {
        let socket = SocketId(self.next_socket.fetch_add(1, Ordering::Relaxed));
        let (tell, told) = mpsc::channel(TOLD);
        self.tell(ControlRequest::Connect { socket, tell }).await?;
        Ok((socket, told))
    }

    /// A browser asks. What comes of it is told to its socket. Waits while the control thread has too much to do:
    /// a browser's next question waits behind this one.
    pub async fn ask_for(&self, socket: SocketId, ask: Ask) -> Result<(), ControlError> {
        self.tell(ControlRequest::Ask { socket, ask }).await
    }

    async fn tell(&self, request: ControlRequest) -> Result<(), ControlError> {
        self.requests.send(request).await.map_err(|_| ControlError::Stopping)
    }

    /// Whether the control thread still takes requests.
    pub fn is_open(&self) -> bool {
        !self.requests.is_closed()
    }

    fn send(&self, request: ControlRequest) -> Result<(), ControlError> {
        self.requests.try_send(request).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => ControlError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => ControlError::Stopping,
        })
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, ControlError>>) -> ControlRequest,
    ) -> Result<T, ControlError> {
        let (reply, answer) = oneshot::channel();
        self.send(request(reply))?;
        answer.await.unwrap_or(Err(ControlError::Stopping))
    }
}
