#!/bin/bash
# PID 1 of a lab guest. First pass: build a writable root (an overlay of this machine's file
# system, which is mounted read-only, and a tmpfs) and move into it. Second pass: name,
# network, modules, disks, then the exec agent. Bash, because it must do pivot_root itself.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
export DM_DISABLE_UDEV=1   # no udevd in here: libdevmapper makes the /dev/mapper nodes itself
die() { echo "lab: $*" >/dev/console; sleep 1; exec /sbin/poweroff -f; }
if [ "${1:-}" != stage2 ]; then
  # Without root on the host, root's set-user-ID programs belong to someone else in here;
  # copies without that bit work (/dev is already a writable devtmpfs).
  cp /usr/bin/mount /usr/bin/umount /dev
  /dev/mount -t proc proc /proc
  command -v insmod >/dev/null || die "no insmod: install the package kmod"
  insmod "/usr/lib/uml/modules/$(uname -r)/kernel/fs/overlayfs/overlay.ko" || die "no module overlay"
  /dev/mount -t tmpfs -o size=50% tmpfs /mnt
  mkdir /mnt/up /mnt/work /mnt/root
  /dev/mount -t overlay -o lowerdir=/,upperdir=/mnt/up,workdir=/mnt/work overlay /mnt/root || die "no overlay"
  /dev/umount /proc
  cd /mnt/root || die "no root"
  mkdir -p old_root
  # pivot_root also moves the kernel threads, so that helpers the kernel starts (the DRBD
  # handlers) run in the new root. PID 1 must do it itself, hence exec.
  pivot_root . old_root || die "pivot_root failed"
  exec chroot . /bin/bash "$lab_dir/init.sh" stage2 </dev/null >/old_root/dev/console 2>&1
fi
[ "$(stat -f -c %T /)" = overlayfs ] || die "not in the overlay"
chmod u-s /usr/bin/mount /usr/bin/umount
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
for d in /dev/shm /run /tmp /var/lib/drbd /lib/modules; do mkdir -p $d; mount -t tmpfs tmpfs $d; done
chmod 1777 /tmp /dev/shm
exec >/dev/console 2>&1
mkdir -p /run/lock/lvm /run/lvm /lab
mount -t hostfs -o "ro,$lab_dir" lab /lab || die "no /lab"
# settings of this boot: lab_nodejs_dir lab_mounts lab_hook lab_no_drbd and what the caller adds
set -a; . "/lab/boot/$lab_node"; set +a
i=${lab_node#n}
hostname "$lab_node"; echo "$lab_node" >/etc/hostname
printf '%032x\n' "0x1ab$i" >/etc/machine-id   # the overlay shows this machine's own
{ echo "127.0.0.1 localhost"; echo "10.99.0.1 lab-host"; for k in 1 2 3 4 5 6 7 8 9; do echo "10.99.0.1$k n$k"; done; } >/etc/hosts
ip link set lo up
for k in 0 1 2; do
  net=10.9$((9 - k)).0
  ip link set vec$k name eth$k; ip addr add "$net.1$i/24" dev eth$k; ip link set eth$k up
done
ln -s "/usr/lib/uml/modules/$(uname -r)" "/lib/modules/$(uname -r)"
mkdir -p /etc/modprobe.d /etc/drbd.d
if [ -n "${lab_no_drbd:-}" ]; then
  echo "install drbd /bin/false" >/etc/modprobe.d/lab-no-drbd.conf
  modprobe -a dm-mod
else
  modprobe -a drbd dm-mod
fi
rm -f /etc/drbd.d/*.res
echo "global { usage-count no; }" >/etc/drbd.d/global_common.conf
mkdir -p /etc/lvm; cp /lab/lvm.conf /etc/lvm/lvm.conf
# Node of the lab, first in the PATH
mkdir -p /opt/lab-node /usr/local/bin
mount -t hostfs -o "ro,$lab_nodejs_dir" node /opt/lab-node || die "no Node at $lab_nodejs_dir"
ln -sfn /opt/lab-node/node /usr/local/bin/node
# small disk that survives reboots
mkdir -p /var/lib/hawser
mount -t ext4 /dev/ubdh /var/lib/hawser || echo "lab: no disk for /var/lib/hawser"
for m in $lab_mounts; do # GUEST_PATH=HOST_PATH
  mkdir -p "${m%%=*}"; mount -t hostfs -o "ro,${m#*=}" lab "${m%%=*}" || echo "lab: could not mount ${m%%=*}"
done
[ -z "${lab_hook:-}" ] || "$lab_hook"
echo "lab: $lab_node up after $(cut -d' ' -f1 /proc/uptime) s"
while :; do node /lab/agent.mjs "10.97.0.1$i" 7000; echo "lab: agent exited $?"; sleep 0.2; done
