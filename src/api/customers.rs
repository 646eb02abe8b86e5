//! `/api/v1/customers`: who the callers are, for admins and their programs. No answer has a PIN or a date of birth, nor anything that is
//! made of one.

use axum::Json;
use axum::extract::Path;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use tracing::info;
use tracing::warn;

use crate::api::ApiState;
use crate::api::openapi::answer;
use crate::api::openapi::maybe;
use crate::api::openapi::problem;
use crate::api::openapi::query;
use crate::api::openapi::schema;
use crate::api::problem::Problem;
use crate::api::session::Actor;
use crate::base::Pii;
use crate::base::Secret;
use crate::fact::CustomerChange;
use crate::server::Reading;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::customers::CustomerWish;
use crate::store::customers::ListedCustomer;
use crate::store::view::rfc3339;

/// The most customers that one list holds.
const LIST_LIMIT: u32 = 1_000;

/// Which part of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Part {
    after: Option<String>,
    limit: Option<u32>,
}

/// A page of customers.
#[derive(Debug, Serialize)]
pub(super) struct CustomerList {
    customers: Vec<CustomerView>,
    /// `after=` for the next page; null on the last one.
    next_after: Option<String>,
}

/// A customer.
#[derive(Debug, Serialize)]
pub(super) struct CustomerView {
    account: String,
    name: String,
    name_prompt: Option<String>,
    numbers: Vec<String>,
    /// Wrong tries since the last right one.
    failed_in_row: u32,
    /// Null, or past, when the account is not locked.
    locked_until: Option<String>,
}

impl From<ListedCustomer> for CustomerView {
    fn from(listed: ListedCustomer) -> CustomerView {
        let ListedCustomer { customer, numbers, failed_in_row, locked_until } = listed;
        CustomerView {
            account: customer.account,
            name: customer.name,
            name_prompt: customer.name_prompt.map(|prompt| prompt.to_string()),
            numbers,
            failed_in_row,
            locked_until: locked_until.map(rfc3339),
        }
    }
}

/// What a customer is to be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WantedCustomer {
    name: String,
    #[serde(default)]
    name_prompt: Option<String>,
    #[serde(default)]
    numbers: Vec<String>,
    /// Stays what it is when absent; a new customer needs one.
    #[serde(default)]
    pin: Option<Secret>,
    /// Stays what it is when absent.
    #[serde(default)]
    birth_date: Option<Secret>,
}

/// `GET /api/v1/customers`: the history says who reads it.
pub(super) async fn list(
    State(state): State<ApiState>,
    actor: Actor,
    part: Result<Query<Part>, QueryRejection>,
) -> Result<Json<CustomerList>, Problem> {
    actor.administers()?;
    let Query(Part { after, limit }) = part?;
    tell_read(&state, &actor).await?;
    let limit = limit.unwrap_or(50).clamp(1, LIST_LIMIT);
    let listed = work(&state, move |store| store.customers_after(after.as_deref(), limit)).await?;
    let full = listed.len() == limit as usize;
    let next_after = listed.last().filter(|_| full).map(|last| last.customer.account.clone());
    Ok(Json(CustomerList { customers: listed.into_iter().map(CustomerView::from).collect(), next_after }))
}

/// `GET /api/v1/customers/{account}`
pub(super) async fn show(
    State(state): State<ApiState>,
    actor: Actor,
    Path(account): Path<String>,
) -> Result<Json<CustomerView>, Problem> {
    actor.administers()?;
    tell_read(&state, &actor).await?;
    found(&state, account).await.map(Json)
}

/// `PUT /api/v1/customers/{account}`
pub(super) async fn put(
    State(state): State<ApiState>,
    actor: Actor,
    Path(account): Path<String>,
    wanted: Result<Json<WantedCustomer>, JsonRejection>,
) -> Result<(StatusCode, Json<CustomerView>), Problem> {
    actor.administers()?;
    let Json(wanted) = wanted.map_err(unreadable)?;
    let WantedCustomer { name, name_prompt, numbers, pin, birth_date } = wanted;
    let wish = CustomerWish { account: account.clone(), name, name_prompt, numbers, pin, birth_date };
    let is_new = work(&state, move |store| store.put_customer(&wish)).await?;
    let (status, did) = match is_new {
        true => (StatusCode::CREATED, CustomerChange::Added),
        false => (StatusCode::OK, CustomerChange::Changed),
    };
    tell(&state, &actor, &account, did).await;
    Ok((status, Json(found(&state, account).await?)))
}

/// `DELETE /api/v1/customers/{account}`: what the history says of them stays.
pub(super) async fn remove(
    State(state): State<ApiState>,
    actor: Actor,
    Path(account): Path<String>,
) -> Result<StatusCode, Problem> {
    actor.administers()?;
    let gone = account.clone();
    work(&state, move |store| store.remove_customer(&gone)).await?;
    tell(&state, &actor, &account, CustomerChange::Removed).await;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/v1/customers/{account}/unlock`: no wrong PIN counts any more.
pub(super) async fn unlock(
    State(state): State<ApiState>,
    actor: Actor,
    Path(account): Path<String>,
) -> Result<Json<CustomerView>, Problem> {
    actor.administers()?;
    let locked = account.clone();
    if work(&state, move |store| store.unlock_customer(&locked)).await? {
        tell(&state, &actor, &account, CustomerChange::Unlocked).await;
    }
    found(&state, account).await.map(Json)
}

async fn found(state: &ApiState, account: String) -> Result<CustomerView, Problem> {
    let listed = work(state, move |store| store.customer(&account)).await?;
    Ok(listed.into())
}

/// Works on the file: hashing a PIN takes a while, so not on a thread that answers others.
async fn work<T: Send + 'static>(
    state: &ApiState,
    work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Problem> {
    let store = state.store.clone();
    let done = tokio::task::spawn_blocking(move || work(&store)).await;
    done.map_err(|_| Problem::busy("the server is stopping"))?.map_err(|error| match error {
        StoreError::Unknown(what) => {
            Problem::not_found(format!("there is no {what}"), "GET /api/v1/customers lists them")
        }
        StoreError::Invalid(why) => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, why, SHAPE),
        error => error.into(),
    })
}

const SHAPE: &str = r#"send {"name": "Ann", "pin": "…", "numbers": ["+12025550143"], "name_prompt": "names/ann", "birth_date": "1980-12-24"}"#;

/// What cannot be read is not said again: there may be a PIN in it.
fn unreadable(rejection: JsonRejection) -> Problem {
    match rejection {
        JsonRejection::JsonDataError(_) | JsonRejection::JsonSyntaxError(_) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "the body is no customer", SHAPE)
        }
        other => other.into(),
    }
}

async fn tell_read(state: &ApiState, actor: &Actor) -> Result<(), Problem> {
    match actor.person() {
        Some(reader) => state.tell_read(Reading::Customers, reader).await,
        None => Ok(()),
    }
}

/// Has the log and the history say what was done, and who did it. It is done, whether that can be told or not.
async fn tell(state: &ApiState, actor: &Actor, account: &str, did: CustomerChange) {
    let by = actor.person();
    info!(account = %Pii(account), ?did, by = by.as_deref(), "a customer was changed");
    if let Err(error) = state.control.customer_changed(account.to_owned(), did, by).await {
        warn!(%error, "the history does not say that a customer was changed");
    }
}

/// The paths, for the OpenAPI document.
pub(super) fn paths() -> Value {
    let (problem, customer) = (problem(), || answer("The customer as it is now", schema("Customer")));
    let account =
        json!([{ "name": "account", "in": "path", "required": true, "schema": { "type": "string" } }]);
    let list = json!({ "type": "object", "properties": {
        "customers": { "type": "array", "items": schema("Customer") },
        "next_after": maybe(&json!({ "type": "string" })),
    } });
    json!({
        "/api/v1/customers": { "get": {
            "summary": "Customers by account number, for admins; the history says who reads them",
            "parameters": [
                query("after", json!({ "type": "string" }), "Only accounts behind this one: the next page"),
                query("limit", json!({ "type": "integer" }), "At most so many: 1 to 1000, 50 when not given"),
            ],
            "responses": { "200": answer("A page of customers", list), "400": problem, "401": problem, "403": problem },
        } },
        "/api/v1/customers/{account}": {
            "parameters": account,
            "get": {
                "summary": "A customer, for admins; the history says who reads them",
                "responses": { "200": customer(), "401": problem, "403": problem, "404": problem },
            },
            "put": {
                "summary": "Add a customer, or change one, for admins; a PIN or date of birth that is left out stays as it is",
                "requestBody": { "required": true, "content": { "application/json": { "schema": schema("WantedCustomer") } } },
                "responses": {
                    "200": customer(), "201": customer(), "401": problem, "403": problem, "415": problem, "422": problem,
                },
            },
            "delete": {
                "summary": "Remove a customer with their numbers, for admins; what the history says of them stays",
                "responses": { "204": { "description": "It is done" }, "401": problem, "403": problem, "404": problem },
            },
        },
        "/api/v1/customers/{account}/unlock": { "parameters": account, "post": {
            "summary": "Open an account that wrong PINs have locked, for admins",
            "responses": { "200": customer(), "401": problem, "403": problem, "404": problem },
        } },
    })
}

/// The shapes that the paths name.
pub(super) fn schemas() -> Value {
    let string = json!({ "type": "string" });
    let numbers = json!({ "type": "array", "items": string });
    json!({
        "Customer": { "type": "object", "properties": {
            "account": string, "name": string, "name_prompt": maybe(&string), "numbers": numbers,
            "failed_in_row": { "type": "integer" },
            "locked_until": maybe(&json!({ "type": "string", "format": "date-time" })),
        } },
        "WantedCustomer": { "type": "object", "additionalProperties": false, "required": ["name"], "properties": {
            "name": string, "name_prompt": maybe(&string), "numbers": numbers,
            "pin": { "type": "string", "pattern": "^[0-9]{4,12}$", "writeOnly": true },
            "birth_date": { "type": "string", "format": "date", "writeOnly": true },
        } },
    })
}
