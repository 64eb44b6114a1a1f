# The service as a container: Microsoft's Functions host and Python worker, git, and what .dockerignore lets in. It does not run as root.
# Build: docker build --tag egress-gitops .    What is proven of this image and what is not: docs/not-proven.md
FROM mcr.microsoft.com/azure-functions/python:4-python3.13

# git fetches, ssh shows deploy keys, gpg checks signatures. Debian keeps no former versions to pin to; the base image's tag says which
# release they come from.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git gpg openssh-client \
    && rm -rf /var/lib/apt/lists/*

COPY requirements.txt /tmp/requirements.txt
RUN python -m pip install --no-cache-dir --no-deps --disable-pip-version-check --requirement /tmp/requirements.txt \
    && rm /tmp/requirements.txt

# A user without a password or a shell, and the one folder that it may write to besides /tmp: the copy of the repository.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /home --shell /usr/sbin/nologin egress \
    && install --directory --owner egress --group egress --mode 0750 /home/egress

COPY host.json main.py /home/site/wwwroot/
COPY function_app /home/site/wwwroot/function_app
RUN python -m compileall -q /home/site/wwwroot

# The base image listens on port 80, which only root may everywhere. File logs and file watching want a folder that is writable.
ENV AzureWebJobsScriptRoot=/home/site/wwwroot \
    AzureFunctionsJobHost__Logging__Console__IsEnabled=true \
    AzureFunctionsJobHost__Logging__FileLoggingMode=never \
    AzureFunctionsJobHost__FileWatchingEnabled=false \
    ASPNETCORE_URLS=http://+:8080 \
    PYTHON_SCRIPT_FILE_NAME=main.py \
    PYTHON_THREADPOOL_THREAD_COUNT=32 \
    PYTHONDONTWRITEBYTECODE=1 \
    EGRESS_STATE_FOLDER=/home/egress

EXPOSE 8080
# By number, so that a cluster can see that it is not root.
USER 10001:10001

# Not the base image's start script: it installs certificate authorities, which only root may. EGRESS_CA_FILE names ours.
CMD ["/azure-functions-host/Microsoft.Azure.WebJobs.Script.WebHost"]
