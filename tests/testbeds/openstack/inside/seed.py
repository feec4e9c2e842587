"""Fill a fresh cloud: what is wanted comes as JSON on standard input, what came of it goes out as JSON.

`python seed.py identity` needs Keystone alone and makes accounts and the catalogue; `python seed.py content` needs all.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from openstack.connection import Connection

WANTED = json.load(sys.stdin)
SECRETS = WANTED["secrets"]
DOMAIN = "default"


def connected(user: str, project: str, secret: str) -> Any:
    """Return openstacksdk's connection of one user to one project."""
    auth = {"auth_url": WANTED["auth_url"], "username": user, "project_name": project, "password": SECRETS[secret]}
    domains = {"user_domain_id": DOMAIN, "project_domain_id": DOMAIN}
    return Connection(auth_type="password", auth=auth | domains, region_name=WANTED["region"], app_name="testbed")


def identity(cloud: Any) -> None:
    """Make the services' users, the catalogue, and each project with its user."""
    roles = {role.name: role for role in cloud.identity.roles()}
    roles["service"] = roles.get("service") or cloud.identity.create_role(name="service")
    home = cloud.identity.create_project(name="service", domain_id=DOMAIN)
    for name, (kind, url) in WANTED["services"].items():
        _user(cloud, name, SECRETS["services"], home, [roles["admin"], roles["service"]])
        service = cloud.identity.create_service(name=name, type=kind)
        cloud.identity.create_endpoint(service_id=service.id, interface="public", region_id=WANTED["region"], url=url)
    for name, wanted in WANTED["projects"].items():
        project = cloud.identity.create_project(name=name, domain_id=DOMAIN)
        _user(cloud, wanted["user"], SECRETS[name], project, [roles["member"]])


def content(cloud: Any) -> dict[str, Any]:
    """Make flavors, the image, the outside network, and what each project has of its own."""
    for name, (cores, memory, disk) in WANTED["flavors"].items():
        cloud.compute.create_flavor(name=name, vcpus=cores, ram=memory, disk=disk)
    kind = {"disk_format": "raw", "container_format": "bare", "visibility": "public"}
    cloud.image.create_image(WANTED["image"], data=b"\0" * 65536, **kind)
    outside = cloud.network.create_network(
        name=WANTED["outside"],
        is_router_external=True,
        provider_network_type="flat",
        provider_physical_network="outside",
    )
    cloud.network.create_subnet(
        network_id=outside.id, name=outside.name, ip_version=4, cidr="198.18.0.0/16", is_dhcp_enabled=False
    )
    with ThreadPoolExecutor(2) as threads:
        made = list(threads.map(lambda name: _project(cloud, name, outside.id), WANTED["projects"]))
    admin = cloud.identity.find_project("admin")
    return {"admin": admin.id, "projects": dict(zip(WANTED["projects"], made, strict=True))}


def _user(cloud: Any, name: str, password: str, project: Any, roles: list[Any]) -> None:
    user = cloud.identity.create_user(name=name, password=password, domain_id=DOMAIN, default_project_id=project.id)
    for role in roles:
        cloud.identity.assign_project_role_to_user(project, user, role)


def _project(cloud: Any, name: str, outside: str) -> dict[str, str]:
    wanted = WANTED["projects"][name]
    project = cloud.identity.find_project(name)
    instances, cores, memory, ports = wanted["quota"]
    cloud.set_compute_quotas(project.id, instances=instances, cores=cores, ram=memory, key_pairs=100)
    cloud.set_network_quotas(project.id, port=ports, floatingip=ports)
    own = connected(wanted["user"], name, name)
    network = own.network.create_network(name=wanted["network"])
    subnet = own.network.create_subnet(
        network_id=network.id, name=network.name, ip_version=4, cidr=wanted["cidr"], is_dhcp_enabled=False
    )
    router = own.network.create_router(name=wanted["network"], external_gateway_info={"network_id": outside})
    own.network.add_interface_to_router(router, subnet=subnet)
    _group(own, wanted["security_group"])
    own.compute.create_keypair(name=wanted["keypair"])
    me = own.session.get_user_id(own.session.auth)
    credential = own.identity.create_application_credential(
        user=me, name="testbed", secret=SECRETS[f"{name}-appcred"], roles=[{"name": "member"}]
    )
    return {"id": project.id, "network_id": network.id, "appcred_id": credential.id}


def _group(own: Any, name: str) -> None:
    group = own.network.create_security_group(name=name)
    own.network.create_security_group_rule(
        security_group_id=group.id, direction="ingress", protocol="tcp", port_range_min=22, port_range_max=22
    )


what = {"identity": identity, "content": content}[sys.argv[1]]
json.dump(what(connected("admin", "admin", "admin")), sys.stdout)
