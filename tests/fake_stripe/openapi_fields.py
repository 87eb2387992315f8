"""The fields of Stripe's objects, as its OpenAPI description tells them: which are always there, and which may be null.

Written down by hand, for payments by card, from Stripe's public repositories on GitHub:

- stripe/openapi, `latest/openapi.spec3.json` of 2026-09-30.endive: its `required` fields are always there and never null,
  its `nullable` ones always there, all others are left out where they have no value.
- stripe/stripe-mock, `embedded/openapi/fixtures3.json` of spring 2024: what its objects carry is always there, also where
  the description does not say so. `source` of charges and payment intents stands only there.
- `submission_method` comes from the SDK for 2026-10-28.endive; the older description does not have it.

`charge.refunds` and `customer.cash_balance` are nullable, but only sent where they are expanded.
"""

from dataclasses import dataclass

_ADDRESS = "city:string country:string line1:string line2:string postal_code:string state:string"
_EVIDENCE = (
    "access_activity_log", "billing_address", "cancellation_policy", "cancellation_policy_disclosure",
    "cancellation_rebuttal", "customer_communication", "customer_email_address", "customer_name",
    "customer_purchase_ip", "customer_signature", "duplicate_charge_documentation", "duplicate_charge_explanation",
    "duplicate_charge_id", "product_description", "receipt", "refund_policy", "refund_policy_disclosure",
    "refund_refusal_explanation", "service_date", "service_documentation", "shipping_address", "shipping_carrier",
    "shipping_date", "shipping_documentation", "shipping_tracking_number", "uncategorized_file", "uncategorized_text",
)  # fmt: skip


@dataclass(frozen=True)
class Fields:
    """The fields of one kind of object, each `name:type`; a type is one of JSON's, or another kind's name (`kind[]`)."""

    always: str = ""
    nullable: str = ""
    """Always there, too, but perhaps null."""
    sometimes: str = ""
    """Left out where there is nothing to tell, and therefore never null."""


FIELDS: dict[str, Fields] = {
    "list": Fields("object:string data:array has_more:boolean url:string"),
    "error_answer": Fields("error:api_error"),
    "api_error": Fields(
        "type:string",
        sometimes="advice_code:string charge:string code:string decline_code:string doc_url:string message:string "
        "network_advice_code:string network_decline_code:string param:string payment_intent:payment_intent "
        "payment_method:payment_method payment_method_type:string request_log_url:string setup_intent:setup_intent "
        "source:object",
    ),
    "address": Fields(nullable=_ADDRESS),
    "billing_details": Fields(nullable="address:address email:string name:string phone:string tax_id:string"),
    "shipping": Fields(
        nullable="carrier:string phone:string tracking_number:string", sometimes="address:address name:string"
    ),
    "card_checks": Fields(
        nullable="address_line1_check:string address_postal_code_check:string cvc_check:string"
    ),
    "status_only": Fields("status:string"),
    "balance_transaction": Fields(
        "id:string object:string amount:integer available_on:integer balance_type:string created:integer currency:string "
        "fee:integer fee_details:fee[] net:integer reporting_category:string status:string type:string",
        nullable="description:string exchange_rate:number source:string",
    ),
    "fee": Fields(
        "amount:integer currency:string type:string", nullable="application:string description:string"
    ),
    "charge": Fields(
        "id:string object:string amount:integer amount_captured:integer amount_refunded:integer "
        "billing_details:billing_details captured:boolean created:integer currency:string disputed:boolean "
        "livemode:boolean metadata:object paid:boolean refunded:boolean status:string",
        nullable="application:string application_fee:string application_fee_amount:integer balance_transaction:string "
        "calculated_statement_descriptor:string customer:string description:string failure_balance_transaction:string "
        "failure_code:string failure_message:string fraud_details:fraud_details on_behalf_of:string outcome:outcome "
        "payment_intent:string payment_method:string payment_method_details:charge_method receipt_email:string "
        "receipt_number:string receipt_url:string review:string shipping:shipping source:object source_transfer:string "
        "statement_descriptor:string statement_descriptor_suffix:string transfer_data:object transfer_group:string",
        sometimes="presentment_details:object radar_options:object refunds:list transfer:string",
    ),
    "fraud_details": Fields(sometimes="stripe_report:string user_report:string"),
    "outcome": Fields(
        "type:string",
        nullable="advice_code:string network_advice_code:string network_decline_code:string network_status:string "
        "reason:string seller_message:string",
        sometimes="risk_level:string risk_score:integer rule:string",
    ),
    "charge_method": Fields("type:string card:charge_card"),
    "charge_card": Fields(
        "exp_month:integer exp_year:integer extended_authorization:status_only incremental_authorization:status_only "
        "multicapture:status_only overcapture:overcapture",
        nullable="amount_authorized:integer authorization_code:string brand:string checks:card_checks country:string "
        "electronic_commerce_indicator:string fingerprint:string funding:string installments:object last4:string "
        "mandate:string network:string network_token:network_token network_transaction_id:string "
        "regulated_status:string three_d_secure:three_d_secure transaction_link_id:string wallet:object",
        sometimes="capture_before:integer",
    ),
    "network_token": Fields("used:boolean"),
    "overcapture": Fields("maximum_amount_capturable:integer status:string"),
    "three_d_secure": Fields(
        nullable="authentication_flow:string electronic_commerce_indicator:string exemption_indicator:string "
        "result:string result_reason:string transaction_id:string version:string",
        sometimes="exemption_indicator_applied:boolean",
    ),
    "customer": Fields(
        "id:string object:string balance:integer created:integer invoice_settings:invoice_settings livemode:boolean "
        "metadata:object next_invoice_sequence:integer",
        nullable="address:address currency:string customer_account:string default_source:string delinquent:boolean "
        "description:string discount:object email:string invoice_prefix:string name:string phone:string "
        "preferred_locales:array shipping:shipping tax_exempt:string test_clock:string",
        sometimes="business_name:string cash_balance:object individual_name:string invoice_credit_balance:object "
        "sources:list subscriptions:list tax:object tax_ids:list",
    ),
    "deleted_customer": Fields("id:string object:string deleted:boolean"),
    "invoice_settings": Fields(
        nullable="custom_fields:array default_payment_method:string footer:string rendering_options:object"
    ),
    "dispute": Fields(
        "id:string object:string amount:integer balance_transactions:balance_transaction[] charge:string created:integer "
        "currency:string enhanced_eligibility_types:array evidence:evidence evidence_details:evidence_details "
        "is_charge_refundable:boolean livemode:boolean metadata:object payment_method_details:dispute_method "
        "reason:string status:string",
        nullable="payment_intent:string",
    ),
    "evidence": Fields("enhanced_evidence:object", nullable=" ".join(f"{name}:string" for name in _EVIDENCE)),
    "evidence_details": Fields(
        "enhanced_eligibility:object has_evidence:boolean past_due:boolean submission_count:integer "
        "submission_method:string",
        nullable="due_by:integer",
    ),
    "dispute_method": Fields("type:string card:dispute_card"),
    "dispute_card": Fields(
        "brand:string case_type:string network:string", nullable="network_reason_code:string"
    ),
    "event": Fields(
        "id:string object:string created:integer data:event_data livemode:boolean pending_webhooks:integer type:string",
        nullable="api_version:string request:event_request",
        sometimes="account:string context:string",
    ),
    "event_data": Fields("object:object", sometimes="previous_attributes:object"),
    "event_request": Fields(nullable="id:string idempotency_key:string"),
    "payment_intent": Fields(
        "id:string object:string amount:integer amount_capturable:integer amount_details:amount_details "
        "amount_received:integer capture_method:string confirmation_method:string created:integer currency:string "
        "livemode:boolean metadata:object payment_method_types:array status:string",
        nullable="allowed_payment_method_types:array application:string application_fee_amount:integer "
        "automatic_payment_methods:automatic_payment_methods canceled_at:integer cancellation_reason:string "
        "client_secret:string customer:string customer_account:string description:string "
        "excluded_payment_method_types:array last_payment_error:api_error latest_charge:string managed_payments:object "
        "next_action:next_action on_behalf_of:string payment_method:string "
        "payment_method_configuration_details:object payment_method_options:intent_options payment_record:string "
        "processing:object receipt_email:string review:string setup_future_usage:string shipping:shipping "
        "source:object statement_descriptor:string statement_descriptor_suffix:string transfer_data:object "
        "transfer_group:string",
        sometimes="hooks:object payment_details:object presentment_details:object",
    ),
    "amount_details": Fields("tip:object"),
    "automatic_payment_methods": Fields("enabled:boolean", sometimes="allow_redirects:string"),
    "next_action": Fields("type:string", sometimes="redirect_to_url:redirect_to_url use_stripe_sdk:object"),
    "redirect_to_url": Fields(nullable="return_url:string url:string"),
    "intent_options": Fields(sometimes="card:intent_card_options"),
    "intent_card_options": Fields(
        nullable="installments:object mandate_options:object network:string request_three_d_secure:string"
    ),
    "payment_method": Fields(
        "id:string object:string billing_details:billing_details created:integer livemode:boolean type:string",
        nullable="customer:string customer_account:string metadata:object",
        sometimes="allow_redisplay:string card:method_card radar_options:object",
    ),
    "method_card": Fields(
        "brand:string exp_month:integer exp_year:integer funding:string last4:string",
        nullable="checks:card_checks country:string display_brand:string fingerprint:string generated_from:object "
        "networks:networks regulated_status:string three_d_secure_usage:three_d_secure_usage wallet:object",
    ),
    "networks": Fields("available:array", nullable="preferred:string"),
    "three_d_secure_usage": Fields("supported:boolean"),
    "radar.early_fraud_warning": Fields(
        "id:string object:string actionable:boolean charge:string created:integer fraud_type:string livemode:boolean",
        sometimes="payment_intent:string",
    ),
    "refund": Fields(
        "id:string object:string amount:integer created:integer currency:string "
        "destination_details:refund_destination",
        nullable="balance_transaction:string charge:string customer:string customer_account:string metadata:object "
        "payment_intent:string payment_method:string reason:string receipt_number:string "
        "source_transfer_reversal:string status:string transfer_reversal:string",
        sometimes="description:string failure_balance_transaction:string failure_reason:string "
        "instructions_email:string next_action:object pending_reason:string presentment_details:object",
    ),
    "refund_destination": Fields("type:string card:refund_card"),
    "refund_card": Fields(
        "type:string", sometimes="reference:string reference_status:string reference_type:string"
    ),
    "setup_intent": Fields(
        "id:string object:string created:integer livemode:boolean payment_method_types:array status:string usage:string",
        nullable="allowed_payment_method_types:array application:string "
        "automatic_payment_methods:automatic_payment_methods cancellation_reason:string client_secret:string "
        "customer:string customer_account:string description:string excluded_payment_method_types:array "
        "flow_directions:array last_setup_error:api_error latest_attempt:string managed_payments:object mandate:string "
        "metadata:object next_action:next_action on_behalf_of:string payment_method:string "
        "payment_method_configuration_details:object payment_method_options:setup_options single_use_mandate:string",
        sometimes="attach_to_self:boolean",
    ),
    "setup_options": Fields(sometimes="card:setup_card_options"),
    "setup_card_options": Fields(
        nullable="mandate_options:object network:string request_three_d_secure:string"
    ),
}
