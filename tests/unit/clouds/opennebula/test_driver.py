"""The driver on a front end: what the conformance suite does not ask of every cloud."""

from __future__ import annotations

import sys
from xmlrpc.client import Fault as XmlRpcFault
from xmlrpc.client import dumps

import pytest

from tests.doubles.fault_proxy import Fault, Reply
from tests.support.opennebula import OURS, SESSION, FrontEnd, request
from vmdirac_py.clouds import api
from vmdirac_py.clouds.opennebula import connect
from vmdirac_py.model.batch import ErrorClass
from vmdirac_py.model.inventory import Endpoint
from vmdirac_py.model.resources import Resources


def test_each_vm_bears_our_id_of_it(one: FrontEnd) -> None:
    """One call makes one VM: its mark and its name tell which of ours it is, so it is bound to no other."""
    launched = one.driver().launch(request(3)).launched
    assert [instance.mark.vm for instance in launched] == ["vm-0", "vm-1", "vm-2"]
    assert {i.id: i.mark.vm for i in one.driver().instances()} == {i.id: i.mark.vm for i in launched}
    assert [vm.name for vm in one.cloud.vms.values()] == ["vm-0", "vm-1", "vm-2"]


def test_a_vm_is_told_its_instance_id(one: FrontEnd) -> None:
    """The host name a VM gets is its instance id, where the driver says a VM finds it."""
    (instance,) = one.driver().launch(request()).launched
    assert one.cloud.vms[0].template["CONTEXT"]["SET_HOSTNAME"] == instance.id
    assert one.driver().instance_id_file == "/etc/hostname"


def test_what_the_template_has_stays(one: FrontEnd) -> None:
    """Context, disks and sizes of the template are the VM's; our marks are beside them."""
    one.driver().launch(request())
    vm = one.cloud.vms[0]
    assert vm.template["CONTEXT"]["SSH_PUBLIC_KEY"] == "$USER[SSH_PUBLIC_KEY]"
    assert (vm.template["DISK"], vm.template["MEMORY"]) == (one.template.body["DISK"], "512")
    assert vm.user_template["VMDIRAC_INSTALLATION"] == OURS


def test_a_pool_may_resize(one: FrontEnd) -> None:
    """With pool_options.resize a VM has the pool's cores and memory."""
    one.driver().launch(request(options={"resize": True}, resources=Resources(cores=4, ram_mb=9000)))
    vm = one.cloud.vms[0]
    assert (vm.template["CPU"], vm.template["VCPU"], vm.template["MEMORY"]) == ("4", "4", "9000")


def test_a_template_is_named_by_name_or_number(one: FrontEnd) -> None:
    """Both lead to the same template."""
    for flavor in ("one-core", "0"):
        one.driver().launch(request(flavor=flavor))
    assert {vm.template["MEMORY"] for vm in one.cloud.vms.values()} == {"512"}
    assert len(one.cloud.vms) == 2


def test_a_name_two_templates_have_is_refused(one: FrontEnd) -> None:
    """An ambiguous name starts nothing, and its numbers and owners are told."""
    one.cloud.add_template("one-core", one.user)
    with pytest.raises(api.BadRequest) as caught:
        one.driver().launch(request())
    assert caught.value.mend == "write its number: 0 (of oneadmin), 1 (of vmdirac)"
    assert one.cloud.vms == {}


def test_a_wrong_template_names_the_closest(one: FrontEnd) -> None:
    """A template that is not there starts nothing; the pool and the name that was meant are told."""
    with pytest.raises(api.BadRequest) as caught:
        one.driver().launch(request(flavor="one-cor"))
    assert caught.value.mend == "did you mean 'one-core'?"
    assert "pool pool-1" in caught.value.where


@pytest.mark.parametrize("image", ["debian-12", "0"])
def test_the_image_is_the_templates(one: FrontEnd, image: str) -> None:
    """pool_image names the template's image, by name or number."""
    assert len(one.driver().launch(request(image=image)).launched) == 1


def test_another_image_than_the_templates_is_refused(one: FrontEnd) -> None:
    """A pool that believes in another image than its template boots starts nothing."""
    with pytest.raises(api.BadRequest, match="alma-9") as caught:
        one.driver().launch(request(image="alma-9"))
    assert "debian-12" in caught.value.mend
    assert one.cloud.vms == {}


def test_what_was_refused_is_asked_for_once(one: FrontEnd) -> None:
    """After the first refusal nothing more is asked for: the rest is refused for what that one says."""
    one.user.quota["VMS"] = 2
    result = one.driver().launch(request(50))
    assert len(result.launched) == 2
    ((count, error_class, text),) = [(one.count, one.error_class, one.text) for one in result.refused]
    assert (count, error_class) == (48, ErrorClass.QUOTA)
    assert "limit of 2 reached for VMS quota" in text
    assert one.methods().count("one.template.instantiate") == 3


def test_a_quota_of_cores_is_a_quota(one: FrontEnd) -> None:
    """The front end says 0x0200 of any quota; its text tells it from a lack of rights."""
    one.user.group.quota["CPU"] = 0.5
    with pytest.raises(api.QuotaExceeded, match="CPU quota"):
        one.driver().launch(request())


def test_after_a_lost_answer_nothing_more_is_sent(one: FrontEnd) -> None:
    """What became of a lost call is for the listing to say: the others of the batch are not asked for."""
    one.proxy.order(Fault(lambda call: b"instantiate" in call.body and b"vm-1<" in call.body, lose=True))
    with pytest.raises(api.AnswerLost):
        one.driver().launch(request(5))
    assert [instance.mark.vm for instance in one.driver().instances()] == ["vm-1", "vm-0"]


def test_a_launch_ends_within_one_timeout(one: FrontEnd) -> None:
    """Slow calls share one timeout: when it is over the call under way is lost, and no more are sent."""
    one.proxy.order(Fault(lambda call: b"instantiate" in call.body, times=None, seconds=0.3))
    with pytest.raises(api.AnswerLost):
        one.driver(timeout=1.0).launch(request(50))
    assert one.methods().count("one.template.instantiate") <= 4


def test_somebody_elses_vm_is_not_touched(one: FrontEnd) -> None:
    """A terminate that names a VM without our mark raises before any action is asked for."""
    (mine,) = one.driver().launch(request()).launched
    other = one.cloud.start(one.user, "somebody's", one.template.body, {})
    with pytest.raises(api.AuthFailed, match=f"one-{other.number}"):
        one.driver().terminate([mine.id, f"one-{other.number}"])
    assert "one.vm.action" not in one.methods()


def test_a_vm_being_deployed_keeps_no_other(one: FrontEnd) -> None:
    """OpenNebula ends no VM in PROLOG: the others are ended, that one is told, and a later terminate ends it."""
    first, second = (instance.id for instance in one.driver().launch(request(2)).launched)
    one.cloud.place(0, lcm_state=1)
    with pytest.raises(api.Unavailable, match="wrong state PROLOG"):
        one.driver().terminate([first, second])
    assert [instance.id for instance in one.driver().instances()] == [first]
    one.cloud.place(0)
    one.driver().terminate([first])
    assert one.driver().instances() == ()


@pytest.mark.parametrize("lcm_state", [36, 39])
def test_a_vm_that_failed_is_ended(one: FrontEnd, lcm_state: int) -> None:
    """A VM in a state of failure is listed, is not terminal, and can be ended."""
    (instance,) = one.driver().launch(request()).launched
    one.cloud.place(0, lcm_state=lcm_state)
    assert [(seen.id, seen.terminal) for seen in one.driver().instances()] == [(instance.id, False)]
    one.driver().terminate([instance.id])
    assert one.driver().instances() == ()


def test_a_vm_on_its_way_out_is_not_asked_again(one: FrontEnd) -> None:
    """A VM in EPILOG is ending: terminate is success, and asks for no action that would be a wrong state."""
    (instance,) = one.driver().launch(request()).launched
    one.cloud.place(0, lcm_state=11)
    one.driver().terminate([instance.id])
    assert "one.vm.action" not in one.methods()


def test_a_token_is_a_session(one: FrontEnd) -> None:
    """user:token logs in as user:password does; once it is revoked, the endpoint stops with what to check."""
    token = "0123456789abcdef" * 4
    one.user.secrets = {token}
    driver = one.driver(session=f"vmdirac:{token}")
    assert driver.limits().used_vms == 0
    one.user.secrets.clear()
    with pytest.raises(api.AuthFailed) as caught:
        driver.limits()
    assert "endpoint_options.session" in caught.value.mend


def test_a_session_is_in_no_error_and_no_repr(one: FrontEnd) -> None:
    """Neither a refused login nor the driver itself shows the password."""
    driver = one.driver(session="vmdirac:other-secret")
    with pytest.raises(api.AuthFailed) as caught:
        driver.instances()
    shown = f"{caught.value} {caught.value.__cause__!r} {driver!r} {vars(driver)!r} {driver._rpc!r}"
    assert "secret" not in shown
    assert SESSION not in shown


@pytest.mark.parametrize(
    ("reply", "launching", "listing"),
    [
        (Reply(502, b"<html>Bad Gateway</html>"), api.AnswerLost, api.Unavailable),
        (Reply(200, b"<html>Welcome</html>"), api.AnswerLost, api.Unavailable),
        (Reply(200, b""), api.AnswerLost, api.Unavailable),
        (Reply(200, dumps(("x",), methodresponse=True).encode()), api.AnswerLost, api.Unavailable),
        (Reply(200, dumps(([True, "x", 0],), methodresponse=True).encode()), api.AnswerLost, api.Unavailable),
        (
            Reply(200, dumps(XmlRpcFault(-506, "no method"), methodresponse=True).encode()),
            api.BadRequest,
            api.BadRequest,
        ),
        (Reply(200, b"<!DOCTYPE a [<!ENTITY b 'c'>]><methodResponse/>"), api.AnswerLost, api.Unavailable),
        (Reply(404, b"not here"), api.Unavailable, api.Unavailable),
    ],
)
def test_what_cannot_be_read_is_no_yes_and_no_listing(
    one: FrontEnd, reply: Reply, launching: type[api.CloudError], listing: type[api.CloudError]
) -> None:
    """After an answer nobody can read a launch may have been done, and a listing is no listing."""
    one.proxy.order(Fault(lambda call: b"instantiate" in call.body, reply=reply))
    with pytest.raises(api.CloudError) as caught:
        one.driver().launch(request())
    assert type(caught.value) is launching
    one.proxy.order(Fault(lambda call: b"vmpool" in call.body, reply=reply))
    with pytest.raises(api.CloudError) as caught:
        one.driver().instances()
    assert type(caught.value) is listing


def test_bad_pool_options_are_a_bad_request(one: FrontEnd) -> None:
    """Options nobody checked before stop the pool by name, before anything is sent."""
    with pytest.raises(api.BadRequest, match="pool_options"):
        one.driver().launch(request(options={"resize": "yes"}))
    assert one.cloud.vms == {}


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where defusedxml is missing, connecting says what to install."""
    for name in [name for name in sys.modules if name.startswith("vmdirac_py.clouds.opennebula.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "defusedxml.xmlrpc", None)
    monkeypatch.setitem(sys.modules, "defusedxml.ElementTree", None)
    described = Endpoint("one", "opennebula", "site", options={"url": "http://127.0.0.1:1/RPC2", "session": "env:X"})
    with pytest.raises(api.BadRequest) as caught:
        connect(described, installation_id=OURS, resolve=str, home=None)  # type: ignore[arg-type] # never looked at
    assert caught.value.mend == "pip install 'vmdirac_py[opennebula]'"


def test_an_earlier_users_vms_do_not_seem_gone(one: FrontEnd) -> None:
    """Listings are of all a user may see, not of its own alone: a changed login loses no VM it may still see."""
    one.driver().launch(request(2))
    one.cloud.admin.secrets = {"admin"}
    assert len(one.driver(session="oneadmin:admin").instances()) == 2
