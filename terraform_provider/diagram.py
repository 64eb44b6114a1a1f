"""The hub-spoke diagram of the docs, drawn from a terraform plan: `python -m terraform_provider.diagram` renews it.

Mermaid, since Git hosts draw it and a reviewer can read its diff. What stands in it is what is planned; nothing is drawn that is
not there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from terraform_provider.planned import Planned, PlannedResource
from terraform_provider.workspace import TREE, workspace

PAGE = TREE / "docs" / "terraform.md"
_BLOCK = re.compile(r"(<!-- diagram -->\n```mermaid\n).*?(```\n<!-- /diagram -->)", re.DOTALL)


def draw(planned: Planned) -> str:
    """The diagram's text."""
    lines = ["flowchart LR", '  internet(["Internet"])', *_service(planned)]
    for hub in _instances(planned, "hub"):
        lines += _hub(planned, hub)
    for spoke in _instances(planned, "spoke"):
        lines += _spoke(planned, spoke)
    return "\n".join(lines) + "\n"


def renewed(page: str, diagram: str) -> str:
    """The page with this diagram in its place."""
    return _BLOCK.sub(lambda found: found[1] + diagram + found[2], page)


def _instances(planned: Planned, module: str) -> Sequence[str]:
    """The keys of a module's instances, in order."""
    pattern = re.compile(rf'module\.{module}\["([^"]+)"\]')
    return sorted({found[1] for address in planned.resources if (found := pattern.match(address))})


def _one(planned: Planned, module: str, kind: str, name: str) -> PlannedResource:
    return planned.resources[f"{module}.{kind}.{name}"]


def _id(text: str) -> str:
    return re.sub(r"\W", "_", text)


def _service(planned: Planned) -> Iterator[str]:
    module = "module.service"
    network = _one(planned, f"{module}.module.network", "azurerm_virtual_network", "this")
    app = _one(planned, module, "azurerm_linux_function_app", "this")
    plan = _one(planned, module, "azurerm_service_plan", "this")
    yield f'  subgraph service["{network.at("name")} {", ".join(network.at("address_space"))}"]'
    yield f'    function["Function {app.at("name")}<br/>{plan.at("sku_name")}, {plan.at("worker_count")} instances"]'
    endpoints = sorted(
        each.at("private_service_connection.0.name") for each in planned.of_type("azurerm_private_endpoint")
    )
    yield f'    endpoints["private endpoints<br/>{", ".join(endpoints)}"]'
    yield "  end"
    yield "  function --> endpoints"
    for edge in planned.of_type("azurerm_cdn_frontdoor_route"):
        patterns = ", ".join(edge.at("patterns_to_match"))
        yield f'  internet -- "{patterns}" --> edge["Front Door, WAF"] -- "private link" --> function'


def _hub(planned: Planned, hub: str) -> Iterator[str]:
    module, name = f'module.hub["{hub}"]', _id(hub)
    network = _one(planned, module, "azurerm_virtual_network", "this")
    firewall = _one(planned, module, "azurerm_firewall", "this")
    policies = [_one(planned, module, "azurerm_firewall_policy", each).at("name") for each in ("base", "tenants")]
    server = _one(planned, module, "azurerm_route_server", "this")
    addresses = [
        each
        for each in planned.of_type("azurerm_public_ip")
        if each.address.startswith(f"{module}.azurerm_public_ip.firewall")
    ]
    yield f'  subgraph {name}["{hub} {network.at("location")} {", ".join(network.at("address_space"))}"]'
    zones = " ".join(firewall.at("zones"))
    yield (
        f'    {name}_fw["Azure Firewall {firewall.at("name")}<br/>{firewall.at("sku_tier")}, zones {zones}, '
        f'{len(addresses)} addresses<br/>{policies[0]} (Terraform) then {policies[1]} (reconciler)"]'
    )
    yield f'    {name}_rs["Route Server {server.at("name")}"]'
    yield "  end"
    yield f"  {name}_fw --> internet"
    for peering in planned.of_type("azurerm_virtual_network_peering"):
        if peering.address == "module.service.azurerm_virtual_network_peering.hub_to_service":
            hub_of_service = peering.at("virtual_network_name")
            if hub_of_service == network.at("name"):
                yield f'  function -- "0.0.0.0/0" --> {name}_fw'


def _spoke(planned: Planned, spoke: str) -> Iterator[str]:
    module, name = f'module.spoke["{spoke}"].module.network', _id(spoke)
    network = _one(planned, module, "azurerm_virtual_network", "this")
    hub = _id(network.at("tags.hub"))
    cluster = _one(planned, f'module.cluster["{spoke}"]', "azurerm_kubernetes_cluster", "this")
    pools = {
        each: _one(planned, f'module.cluster["{spoke}"]', "azurerm_kubernetes_cluster_node_pool", each)
        for each in ("workload", "reflectors")
    }
    subnets = {
        each: _one(planned, module, "azurerm_subnet", f'this["{each}"]').at("address_prefixes.0")
        for each in ("nodes", "reflectors")
    }
    yield f'  subgraph {name}["{spoke} {", ".join(network.at("address_space"))}"]'
    yield (
        f'    {name}_nodes["Kubernetes {cluster.at("kubernetes_version")}, nodes {subnets["nodes"]}<br/>'
        f'workload pool {pools["workload"].at("min_count")} to {pools["workload"].at("max_count")}: pods, egress gateways"]'
    )
    yield f'    {name}_rr["{pools["reflectors"].at("node_count")} route reflectors {subnets["reflectors"]}"]'
    yield "  end"
    route = _one(planned, module, "azurerm_route", "egress")
    yield f'  {name}_nodes -- "{route.at("address_prefix")}" --> {hub}_fw'
    yield f'  {name}_rr -. "BGP, made by the reconciler" .-> {hub}_rs'
    yield f'  function -- "private API server" --> {name}_nodes'


def main() -> None:
    """Draw the sample into the page."""
    with workspace() as copy:
        planned = Planned.of(copy.plan("terraform/platform", "-var-file=sample.tfvars"))
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8"), draw(planned)), encoding="utf-8")


if __name__ == "__main__":
    main()
