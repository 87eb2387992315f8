import pytest
import stripe

from tests.fake_stripe.running_fake import RunningFake


def methods_of(fake: RunningFake, customer: stripe.Customer) -> list[str]:
    """The ids of a customer's payment methods, newest first."""
    return [method.id for method in fake.stripe.v1.payment_methods.list({"customer": customer.id}).data]


def test_a_customer_is_created_changed_and_found(fake: RunningFake):
    customers = fake.stripe.v1.customers
    jenny = customers.create({"email": "jenny@shop.example", "name": "Jenny", "metadata": {"user_id": "u1"}})
    customers.create({"email": "other@shop.example"})

    changed = customers.update(jenny.id, {"name": "Jenny Rosen", "metadata": {"user_id": "", "b": "2"}})

    assert (changed.name, changed.email) == ("Jenny Rosen", "jenny@shop.example")
    assert changed.metadata.to_dict() == {"b": "2"}
    assert customers.retrieve(jenny.id).to_dict() == changed.to_dict()
    assert [found.id for found in customers.list({"email": "jenny@shop.example"}).data] == [jenny.id]
    [updated] = fake.stripe.v1.events.list({"type": "customer.updated"}).data
    assert updated.data.previous_attributes.to_dict() == {"name": "Jenny", "metadata": {"user_id": "u1"}}
    customers.update(jenny.id, {"name": "Jenny Rosen"})
    assert len(fake.event_types(type="customer.updated")) == 1, "no change, no event"


def test_a_deleted_customer_is_gone_with_its_methods(fake: RunningFake):
    customers = fake.stripe.v1.customers
    customer = customers.create({"payment_method": "pm_card_visa"})
    [method] = methods_of(fake, customer)

    assert customers.delete(customer.id).to_dict() == {
        "id": customer.id,
        "object": "customer",
        "deleted": True,
    }

    assert customers.retrieve(customer.id).deleted is True
    assert customers.list().data == []
    assert fake.stripe.v1.payment_methods.retrieve(method).customer is None
    assert fake.event_types() == [
        "payment_method.attached",
        "customer.created",
        "payment_method.detached",
        "customer.deleted",
    ]
    for use in (customers.update, customers.delete):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            use(customer.id)
        assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


def test_methods_are_attached_listed_and_detached(fake: RunningFake):
    customer, other = (fake.stripe.v1.customers.create() for _ in range(2))
    methods = fake.stripe.v1.payment_methods

    visa = methods.attach("pm_card_visa", {"customer": customer.id})
    master = methods.attach("pm_card_mastercard", {"customer": customer.id})

    assert methods.attach(visa.id, {"customer": customer.id}).customer == customer.id, "twice is once"
    assert methods_of(fake, customer) == [master.id, visa.id]
    assert methods_of(fake, other) == []
    of_customer = fake.stripe.v1.customers.payment_methods.list(customer.id, {"type": "card"}).data
    assert [method.id for method in of_customer] == [master.id, visa.id]
    with pytest.raises(stripe.InvalidRequestError, match="already been attached"):
        methods.attach(visa.id, {"customer": other.id})
    assert methods.detach(visa.id).customer is None
    assert methods_of(fake, customer) == [master.id]
    [detached] = fake.stripe.v1.events.list({"type": "payment_method.detached"}).data
    assert detached.data.previous_attributes.to_dict() == {"customer": customer.id}
    with pytest.raises(stripe.InvalidRequestError, match="detachment is impossible"):
        methods.detach(visa.id)


def test_a_detached_method_can_neither_pay_nor_be_attached(fake: RunningFake):
    customer = fake.stripe.v1.customers.create({"payment_method": "pm_card_visa"})
    [method] = methods_of(fake, customer)
    chosen = fake.stripe.v1.payment_intents.create(
        {"amount": 500, "currency": "eur", "customer": customer.id, "payment_method": method}
    )
    fake.stripe.v1.payment_methods.detach(method)

    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        fake.paid(payment_method=method)
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        fake.stripe.v1.payment_intents.confirm(chosen.id)
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        fake.stripe.v1.payment_methods.attach(method, {"customer": customer.id})


def test_a_method_that_paid_without_a_customer_cannot_be_kept(fake: RunningFake):
    customer = fake.stripe.v1.customers.create()
    paid = fake.paid(customer=customer.id)

    with pytest.raises(stripe.InvalidRequestError, match="previously used without being attached"):
        fake.stripe.v1.payment_methods.attach(str(paid.payment_method), {"customer": customer.id})


def test_a_payment_saves_its_method_for_the_future(fake: RunningFake):
    customer = fake.stripe.v1.customers.create()

    first = fake.paid(customer=customer.id, setup_future_usage="off_session")

    assert methods_of(fake, customer) == [first.payment_method]
    again = fake.paid(customer=customer.id, payment_method=str(first.payment_method), off_session=True)
    assert (again.status, again.customer) == ("succeeded", customer.id)
    charge = fake.stripe.v1.charges.retrieve(str(again.latest_charge), {"expand": ["customer"]})
    assert charge.customer.id == customer.id
    listed = fake.stripe.v1.payment_intents.list({"customer": customer.id}).data
    assert [intent.id for intent in listed] == [again.id, first.id]
    assert fake.event_types(type="payment_method.attached") == ["payment_method.attached"]


def test_a_declined_payment_saves_nothing(fake: RunningFake):
    customer = fake.stripe.v1.customers.create()

    with pytest.raises(stripe.CardError):
        fake.paid(
            customer=customer.id, setup_future_usage="off_session", payment_method="pm_card_chargeDeclined"
        )

    assert methods_of(fake, customer) == []


def test_only_its_customer_pays_with_a_saved_method(fake: RunningFake):
    owner = fake.stripe.v1.customers.create({"payment_method": "pm_card_visa"})
    other = fake.stripe.v1.customers.create()
    [method] = methods_of(fake, owner)

    with pytest.raises(stripe.InvalidRequestError, match=f"belongs to the Customer {owner.id}") as unnamed:
        fake.paid(payment_method=method)
    with pytest.raises(stripe.InvalidRequestError, match="does not have a payment method with the ID"):
        fake.paid(payment_method=method, customer=other.id)

    assert unnamed.value.code == "parameter_missing"
    assert fake.paid(payment_method=method, customer=owner.id).status == "succeeded"


def test_the_default_method_must_be_the_customers(fake: RunningFake):
    customers = fake.stripe.v1.customers
    customer = customers.create({"payment_method": "pm_card_visa"})
    [method] = methods_of(fake, customer)

    def make_default(payment_method: str) -> stripe.Customer:
        return customers.update(customer.id, {"invoice_settings": {"default_payment_method": payment_method}})

    with pytest.raises(stripe.InvalidRequestError, match="must be attached to the customer"):
        make_default("pm_card_mastercard")
    assert make_default(method).invoice_settings.default_payment_method == method


def test_a_payment_of_an_unknown_customer_is_refused(fake: RunningFake):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        fake.paid(customer="cus_nobody")

    assert (refused.value.http_status, refused.value.code, refused.value.param) == (
        400,
        "resource_missing",
        "customer",
    )
