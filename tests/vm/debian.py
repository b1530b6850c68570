# SPDX-License-Identifier: Apache-2.0
"""Packages of a Debian release and architecture, fetched from the mirror that this machine uses. With lists, settings and
caches of its own: those of the machine stay as they are, and no privilege is needed."""
import os
import re
import subprocess

KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'


class Skip(Exception):
    """What cannot be tried here, and why."""


def output_of(command, **options):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    if done.returncode != 0:
        text = done.stderr.decode(errors='replace').strip().splitlines()
        raise Skip('%s: %s' % (' '.join(command[:2]), text[-1] if text else 'exit status %d' % done.returncode))
    return done.stdout


class Debian:
    def __init__(self, release, architecture, directory):
        """The directory is new, and not needed any more after this object."""
        mirrors = output_of(['apt-get', 'indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages']).decode().split()
        mirrors = [mirror for mirror in mirrors if re.search(r'/debian/?$', mirror)]
        if not mirrors:
            raise Skip('apt knows no mirror of Debian')
        self.directory = os.path.abspath(directory)
        for below in ('lists/partial', 'cache/archives/partial', 'debs'):
            os.makedirs(os.path.join(self.directory, below))
        with open(os.path.join(self.directory, 'sources'), 'w') as f:
            signed = ' signed-by=' + KEYRING if os.path.exists(KEYRING) else ''
            f.write('deb [arch=%s%s] %s %s main\n' % (architecture, signed, mirrors[0], release))
        with open(os.path.join(self.directory, 'settings'), 'w') as f:
            for key, value in (('Dir::Etc::sourcelist', self.directory + '/sources'), ('Dir::Etc::sourceparts', '/dev/null'),
                               ('Dir::State::lists', self.directory + '/lists'), ('Dir::State::status', '/dev/null'),
                               ('Dir::Cache', self.directory + '/cache'), ('APT::Architecture', architecture),
                               ('APT::Architectures', architecture), ('APT::Sandbox::User', ''),
                               ('APT::Update::Error-Mode', 'any'), ('Acquire::Languages', 'none'),
                               ('Acquire::Retries', '1'), ('Acquire::http::Timeout', '15')):
                f.write('%s "%s";\n' % (key, value))
        self.environment = dict(os.environ, APT_CONFIG=self.directory + '/settings', LC_ALL='C.UTF-8')
        self.apt('apt-get', '-q', 'update', timeout=90)

    def apt(self, *command, **options):
        try:
            return output_of(list(command), env=self.environment, **options).decode()
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Skip('%s: %s' % (' '.join(command[:2]), error))

    def needed_by(self, packages):
        """They and all that they depend on."""
        text = self.apt('apt-cache', 'depends', '--recurse', '--no-recommends', '--no-suggests', '--no-conflicts',
                        '--no-breaks', '--no-replaces', '--no-enhances', *packages)
        return sorted(set(re.findall(r'^(\w\S*)$', text, re.M)))

    def download(self, packages):
        """The files."""
        where = os.path.join(self.directory, 'debs')
        self.apt('apt-get', '-q', 'download', *packages, timeout=300, cwd=where)
        return [os.path.join(where, name) for name in sorted(os.listdir(where)) if name.endswith('.deb')]
